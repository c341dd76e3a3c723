// std::sync: locks, conditions, channels, barriers, once.
use std::sync::mpsc::{self, RecvTimeoutError, TrySendError};
use std::sync::{Arc, Barrier, Condvar, LazyLock, Mutex, Once, OnceLock, RwLock};
use std::thread;
use std::time::Duration;

static LAZY: LazyLock<Vec<u32>> = LazyLock::new(|| {
    println!("lazy: made once");
    vec![1, 2, 3]
});

fn main() {
    let total = Arc::new(Mutex::new(0u64));
    let handles: Vec<_> = (0..8)
        .map(|_| {
            let total = total.clone();
            thread::spawn(move || (0..5000).for_each(|_| *total.lock().unwrap() += 1))
        })
        .collect();
    handles.into_iter().for_each(|h| h.join().unwrap());
    println!("mutex: {}", total.lock().unwrap());
    let held = total.lock().unwrap();
    println!("try_lock: {}", thread::scope(|s| s.spawn(|| total.try_lock().is_err()).join().unwrap()));
    drop(held);

    std::panic::set_hook(Box::new(|_| {}));
    let poisoned = total.clone();
    let _ = thread::spawn(move || {
        let _guard = poisoned.lock().unwrap();
        panic!();
    })
    .join();
    println!("poisoned: {} {}", total.is_poisoned(), total.lock().unwrap_or_else(|e| e.into_inner()));

    let pair = Arc::new((Mutex::new(0), Condvar::new()));
    let ping = |me: usize, pair: Arc<(Mutex<usize>, Condvar)>| {
        move || {
            for _ in 0..2000 {
                let mut turn = pair.1.wait_while(pair.0.lock().unwrap(), |t| *t % 2 != me).unwrap();
                *turn += 1;
                pair.1.notify_all();
            }
        }
    };
    let other = thread::spawn(ping(1, pair.clone()));
    ping(0, pair.clone())();
    other.join().unwrap();
    println!("turns: {}", pair.0.lock().unwrap());
    let waited = pair.1.wait_timeout(pair.0.lock().unwrap(), Duration::from_millis(10)).unwrap();
    println!("timed out: {}", waited.1.timed_out());
    drop(waited);

    let shared = RwLock::new(vec![0; 4]);
    thread::scope(|s| {
        for i in 0..4 {
            let shared = &shared;
            s.spawn(move || {
                for _ in 0..500 {
                    shared.write().unwrap()[i] += 1;
                    assert!(shared.read().unwrap()[i] > 0);
                }
            });
        }
    });
    println!("rwlock: {:?}", shared.into_inner().unwrap());

    let (sender, receiver) = mpsc::channel();
    for i in 0..4 {
        let sender = sender.clone();
        thread::spawn(move || (0..1000).for_each(|n| sender.send(i * 1000 + n).unwrap()));
    }
    drop(sender);
    println!("channel: {}", receiver.iter().sum::<i32>());
    let (sender, receiver) = mpsc::sync_channel(1);
    sender.send(1).unwrap();
    println!("full: {}", matches!(sender.try_send(2), Err(TrySendError::Full(2))));
    println!("received: {}", receiver.recv().unwrap());
    println!("timeout: {}", receiver.recv_timeout(Duration::from_millis(10)) == Err(RecvTimeoutError::Timeout));
    drop(sender);
    println!("closed: {}", receiver.recv().is_err());

    let barrier = Barrier::new(5);
    let leaders = Mutex::new(0);
    thread::scope(|s| {
        for _ in 0..5 {
            s.spawn(|| {
                for _ in 0..20 {
                    if barrier.wait().is_leader() {
                        *leaders.lock().unwrap() += 1;
                    }
                }
            });
        }
    });
    println!("leaders: {}", leaders.lock().unwrap());

    static ONCE: Once = Once::new();
    static CELL: OnceLock<u32> = OnceLock::new();
    thread::scope(|s| {
        for i in 0..4 {
            s.spawn(move || {
                ONCE.call_once(|| println!("once"));
                CELL.get_or_init(|| i);
                assert_eq!(LAZY.len(), 3);
            });
        }
    });
    println!("cell: {}", CELL.get().is_some());
}
