//! Work on many things at once.

use std::num::NonZero;
use std::thread;

use anyhow::{Result, anyhow};

/// More of them would take longer to start than they save.
const MOST: usize = 4;

/// Does the same with each of `items`, on as many threads as there are processors; returns what came of it in the order of
/// the items.
///
/// # Errors
///
/// The first one in that order.
pub fn try_map<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let share = items.len().div_ceil(processors.min(MOST)).max(1);
    let (first, others) = items.split_at(share.min(items.len()));
    let all = |items: &[T]| items.iter().map(&work).collect::<Result<Vec<R>>>();
    thread::scope(|scope| {
        let others: Vec<_> = others
            .chunks(share)
            .map(|items| scope.spawn(|| all(items)))
            .collect();
        let mut results = all(first)?;
        for other in others {
            let other = other.join().map_err(|_| anyhow!("a thread panicked"))?;
            results.extend(other?);
        }
        Ok(results)
    })
}

#[cfg(test)]
mod tests {
    use anyhow::{Result, ensure};

    use super::try_map;

    #[test]
    fn results_come_in_order_and_so_do_errors() {
        for count in [0, 1, 2, 3, 100] {
            let items: Vec<u32> = (0..count).collect();
            assert_eq!(try_map(&items, |item| Ok(*item)).unwrap(), items);
        }
        let items: Vec<u32> = (0..100).collect();
        let small = |item: &u32| -> Result<()> {
            ensure!(*item < 10, "{item} is too large");
            Ok(())
        };
        let error = try_map(&items, small).unwrap_err();
        assert_eq!(error.to_string(), "10 is too large");
    }
}
