//! Parallel work on many items.

use std::num::NonZero;
use std::thread;

use anyhow::{Result, anyhow};

/// Starting more of them would take longer than they save.
const MAX_THREADS: usize = 4;

/// Applies a function to all `items`, on as many threads as there are processors; returns the results in the order of the items.
///
/// # Errors
///
/// The first error in that order.
pub fn try_map<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = processors.min(MAX_THREADS).min(items.len()).max(1);
    // Neighbours are alike: dealing items out in turn gives all threads about the same amount of work.
    let share = |first: usize| {
        let mut results = Vec::with_capacity(items.len().div_ceil(threads));
        for item in items.iter().skip(first).step_by(threads) {
            results.push(work(item));
            if results.last().is_some_and(Result::is_err) {
                break;
            }
        }
        results.into_iter()
    };
    thread::scope(|scope| {
        let share = &share;
        let others: Vec<_> = (1..threads)
            .map(|first| scope.spawn(move || share(first)))
            .collect();
        let mut shares = vec![share(0)];
        for other in others {
            shares.push(other.join().map_err(|_| anyhow!("a thread panicked"))?);
        }
        let in_turn = (0..items.len()).filter_map(|index| shares[index % threads].next());
        in_turn.collect()
    })
}

#[cfg(test)]
mod tests {
    use anyhow::{Result, ensure};

    use super::try_map;

    #[test]
    fn returns_results_and_errors_in_order() {
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
