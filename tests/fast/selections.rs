//! The selections of components that are covered: there are too many to cover all.

use std::iter;

use cargo_prodify::catalog::Catalog;

/// A small number of selections that cover all combinations of any `strength` components: all selected, none, or some. A
/// component's mistakes show alone or together with one or two others.
pub(crate) fn covering(catalog: &Catalog, strength: u32) -> Vec<Vec<&str>> {
    let rules = Rules::of(catalog);
    let groups = (0_u32..1 << rules.names.len()).filter(|group| group.count_ones() == strength);
    let mut open: Vec<Way> = groups.flat_map(|group| rules.ways(group)).collect();
    let mut chosen = Vec::new();
    while !open.is_empty() {
        let one = rules.fullest(&open);
        open.retain(|way| !one.has(*way));
        if one.with != 0 {
            chosen.push(rules.named(one.with));
        }
    }
    chosen
}

/// Components that are selected, and others that are not: a bit for each.
#[derive(Clone, Copy, Default)]
struct Way {
    with: u32,
    without: u32,
}

impl Way {
    /// Whether the other combination is part of this one.
    fn has(self, other: Self) -> bool {
        self.with & other.with == other.with && self.without & other.without == other.without
    }

    /// Whether it can be made part of it.
    fn may_have(self, other: Self) -> bool {
        self.with & other.without == 0 && self.without & other.with == 0
    }
}

struct Rules<'c> {
    names: Vec<&'c str>,
    /// What each component requires, and what it conflicts with.
    components: Vec<(u32, u32)>,
}

impl<'c> Rules<'c> {
    fn of(catalog: &'c Catalog) -> Self {
        let names: Vec<&str> = catalog.names().collect();
        let bit = |name: &String| {
            let index = names.iter().position(|one| one == name);
            index.map_or(0, |index| 1 << index)
        };
        let bits = |names: &[String]| names.iter().map(bit).sum();
        let components = catalog
            .components()
            .map(|component| (bits(&component.requires), bits(&component.conflicts)))
            .collect();
        Self { names, components }
    }

    /// A selection with all its requirements, or none if two of them conflict.
    fn closed(&self, mut selection: u32) -> Option<u32> {
        loop {
            let mut whole = selection;
            for (index, (requires, conflicts)) in self.components.iter().enumerate() {
                if selection & (1 << index) != 0 {
                    if selection & conflicts != 0 {
                        return None;
                    }
                    whole |= requires;
                }
            }
            if whole == selection {
                return Some(selection);
            }
            selection = whole;
        }
    }

    /// All combinations of the components of a group.
    fn ways(&self, group: u32) -> impl Iterator<Item = Way> {
        let nothing = Way::default();
        subsets(group).filter_map(move |with| {
            let without = group & !with;
            self.both(nothing, Way { with, without })
        })
    }

    /// Both combinations together, with their requirements, if they can be selected together.
    fn both(&self, one: Way, other: Way) -> Option<Way> {
        let with = self.closed(one.with | other.with)?;
        let without = one.without | other.without;
        (with & without == 0).then_some(Way { with, without })
    }

    /// The first of these combinations, extended by others: each further component is selected or not, depending on which covers
    /// more of them.
    fn fullest(&self, ways: &[Way]) -> Way {
        let mut one = ways.first().copied().unwrap_or_default();
        for index in 0..self.names.len() {
            let bit = 1 << index;
            let options = [(bit, 0), (0, bit)].map(|(with, without)| Way { with, without });
            let options = options.into_iter().filter_map(|it| self.both(one, it));
            let gain = |option: &Way| {
                let had = ways.iter().filter(|way| option.has(**way)).count();
                let open = ways.iter().filter(|way| option.may_have(**way)).count();
                (had, open)
            };
            one = options.max_by_key(gain).unwrap_or(one);
        }
        one
    }

    fn named(&self, selection: u32) -> Vec<&'c str> {
        let names = self.names.iter().enumerate();
        let names = names.filter(|(index, _)| selection & (1 << index) != 0);
        names.map(|(_, &name)| name).collect()
    }
}

/// All subsets of the bits, in ascending order.
fn subsets(bits: u32) -> impl Iterator<Item = u32> {
    // Bits outside of the set pass a borrow on to the next one inside.
    iter::successors(Some(0), move |subset: &u32| {
        let next = subset.wrapping_sub(bits) & bits;
        (next != 0).then_some(next)
    })
}
