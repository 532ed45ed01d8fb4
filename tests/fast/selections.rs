//! The selections of components that are covered: there are too many to cover all.

use std::iter;

use cargo_prodify::catalog::Catalog;

/// A small number of selections that cover all combinations of any `strength` components: all selected, none, or some. A
/// component's mistakes show alone or together with one or two others.
pub(crate) fn covering_selections(catalog: &Catalog, strength: u32) -> Vec<Vec<&str>> {
    let rules = Rules::new(catalog);
    let groups = (0_u32..1 << rules.names.len()).filter(|group| group.count_ones() == strength);
    let mut open: Vec<Combination> = groups.flat_map(|group| rules.combinations(group)).collect();
    let mut chosen = Vec::new();
    while !open.is_empty() {
        let one = rules.extend_first(&open);
        open.retain(|combination| !one.contains(*combination));
        if one.with != 0 {
            chosen.push(rules.names_of(one.with));
        }
    }
    chosen
}

/// Components that are selected, and others that are not: a bit for each.
#[derive(Clone, Copy, Default)]
struct Combination {
    with: u32,
    without: u32,
}

impl Combination {
    /// Whether the other combination is part of this one.
    fn contains(self, other: Self) -> bool {
        self.with & other.with == other.with && self.without & other.without == other.without
    }

    /// Whether the other combination can be added to this one.
    fn is_compatible_with(self, other: Self) -> bool {
        self.with & other.without == 0 && self.without & other.with == 0
    }
}

struct Rules<'c> {
    names: Vec<&'c str>,
    /// What each component requires, and what it conflicts with.
    components: Vec<(u32, u32)>,
}

impl<'c> Rules<'c> {
    fn new(catalog: &'c Catalog) -> Self {
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
    fn with_requirements(&self, mut selection: u32) -> Option<u32> {
        loop {
            let mut closure = selection;
            for (index, (requires, conflicts)) in self.components.iter().enumerate() {
                if selection & (1 << index) != 0 {
                    if selection & conflicts != 0 {
                        return None;
                    }
                    closure |= requires;
                }
            }
            if closure == selection {
                return Some(selection);
            }
            selection = closure;
        }
    }

    /// All combinations of the components of a group.
    fn combinations(&self, group: u32) -> impl Iterator<Item = Combination> {
        let nothing = Combination::default();
        subsets(group).filter_map(move |with| {
            let without = group & !with;
            self.combine(nothing, Combination { with, without })
        })
    }

    /// Both combinations together, with their requirements, if they can be selected together.
    fn combine(&self, one: Combination, other: Combination) -> Option<Combination> {
        let with = self.with_requirements(one.with | other.with)?;
        let without = one.without | other.without;
        (with & without == 0).then_some(Combination { with, without })
    }

    /// The first of these combinations, extended by others: each further component is selected or not, depending on which covers
    /// more of them.
    fn extend_first(&self, combinations: &[Combination]) -> Combination {
        let mut one = combinations.first().copied().unwrap_or_default();
        for index in 0..self.names.len() {
            let bit = 1 << index;
            let options = [(bit, 0), (0, bit)].map(|(with, without)| Combination { with, without });
            let options = options.into_iter().filter_map(|it| self.combine(one, it));
            let gain = |option: &Combination| {
                let had = combinations
                    .iter()
                    .filter(|combination| option.contains(**combination))
                    .count();
                let open = combinations
                    .iter()
                    .filter(|combination| option.is_compatible_with(**combination))
                    .count();
                (had, open)
            };
            one = options.max_by_key(gain).unwrap_or(one);
        }
        one
    }

    fn names_of(&self, selection: u32) -> Vec<&'c str> {
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
