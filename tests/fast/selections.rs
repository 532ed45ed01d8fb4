//! Which selections of components are looked at: there are too many to look at all.

use std::collections::BTreeSet;

use cargo_prodify::catalog::Catalog;

/// All selections that there are.
pub(crate) fn every(catalog: &Catalog) -> Vec<Vec<&str>> {
    let names: Vec<&str> = catalog.names().collect();
    let all = allowed(catalog, &names);
    all.into_iter().map(|one| named(&names, one)).collect()
}

/// So few selections that any `strength` components stand in one of them in each way that there is: all chosen, none, or
/// some. What a component does wrong, it does alone or with one or two others.
pub(crate) fn covering(catalog: &Catalog, strength: u32) -> Vec<Vec<&str>> {
    let names: Vec<&str> = catalog.names().collect();
    let allowed = allowed(catalog, &names);
    let groups: Vec<u32> = (0_u32..1 << names.len())
        .filter(|group| group.count_ones() == strength)
        .collect();
    let ways = |selection: u32| groups.iter().map(move |&group| (group, selection & group));
    let mut open: BTreeSet<(u32, u32)> = allowed.iter().flat_map(|&one| ways(one)).collect();
    let mut chosen = Vec::new();
    while !open.is_empty() {
        // The first of the best, so that it is the same each time.
        let news = |one: u32| ways(one).filter(|way| open.contains(way)).count();
        let Some(best) = allowed.iter().rev().copied().max_by_key(|&one| news(one)) else {
            break;
        };
        let covered: BTreeSet<_> = ways(best).collect();
        open.retain(|way| !covered.contains(way));
        chosen.push(best);
    }
    chosen.into_iter().map(|one| named(&names, one)).collect()
}

fn named<'n>(names: &[&'n str], selection: u32) -> Vec<&'n str> {
    let names = names.iter().enumerate();
    let names = names.filter(|(index, _)| selection & (1 << index) != 0);
    names.map(|(_, &name)| name).collect()
}

/// Every selection that has what its components require, and no two that conflict: a bit for each of `names`.
fn allowed(catalog: &Catalog, names: &[&str]) -> Vec<u32> {
    let bit = |name: &String| {
        names
            .iter()
            .position(|one| one == name)
            .map_or(0, |index| 1 << index)
    };
    let rules: Vec<(u32, u32)> = catalog
        .components()
        .map(|component| {
            let bits = |names: &[String]| names.iter().map(bit).sum();
            (bits(&component.requires), bits(&component.conflicts))
        })
        .collect();
    let holds = |&selection: &u32| {
        let rules = rules.iter().enumerate();
        let mut chosen = rules.filter(|(index, _)| selection & (1 << index) != 0);
        chosen.all(|(_, (requires, conflicts))| {
            selection & requires == *requires && selection & conflicts == 0
        })
    };
    (1..1 << names.len()).filter(holds).collect()
}
