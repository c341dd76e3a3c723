// std::thread: spawning, scopes, locals, parking, panics.
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

thread_local!(static LOCAL: Cell<u32> = const { Cell::new(1) });

struct Guard(&'static str);
impl Drop for Guard {
    fn drop(&mut self) {
        println!("dropped: {}", self.0);
    }
}

fn main() {
    let handles: Vec<_> = (0..8).map(|i| thread::spawn(move || i * i)).collect();
    println!("joined: {:?}", handles.into_iter().map(|h| h.join().unwrap()).collect::<Vec<i32>>());

    let counter = AtomicUsize::new(0);
    thread::scope(|s| {
        for _ in 0..16 {
            s.spawn(|| {
                for _ in 0..10000 {
                    counter.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    println!("scoped: {}", counter.into_inner());

    LOCAL.set(5);
    println!("local: {} {}", thread::spawn(|| LOCAL.get()).join().unwrap(), LOCAL.get());

    let named = thread::Builder::new().name("worker".into()).stack_size(256 * 1024).spawn(|| thread::current().name().map(str::to_owned));
    println!("name: {:?}", named.unwrap().join().unwrap());

    let parked = thread::spawn(|| {
        thread::park();
        "unparked"
    });
    thread::sleep(Duration::from_millis(10));
    parked.thread().unpark();
    println!("park: {}", parked.join().unwrap());
    let start = Instant::now();
    // A token may be left from the scope's end.
    let mut parks = 0;
    while start.elapsed() < Duration::from_millis(20) {
        thread::park_timeout(Duration::from_millis(20));
        parks += 1;
    }
    println!("park_timeout: {}", parks <= 2);

    std::panic::set_hook(Box::new(|_| {}));
    let result = thread::spawn(|| {
        let _guard = Guard("while unwinding");
        panic!("on purpose");
    })
    .join();
    println!("panic: {:?}", result.unwrap_err().downcast_ref::<&str>());
    println!("caught: {}", std::panic::catch_unwind(|| [1, 2, 3][std::hint::black_box(7)]).is_err());

    fn deep(n: u64) -> u64 {
        let pad = std::hint::black_box([n; 16]);
        if n == 0 { 0 } else { deep(n - 1) + pad[3] / n }
    }
    println!("deep: {}", thread::Builder::new().stack_size(16 << 20).spawn(|| deep(30000)).unwrap().join().unwrap());
    println!("parallelism: {}", thread::available_parallelism().is_ok());
    for round in 0..20 {
        let made: Vec<_> = (0..20).map(|i| thread::spawn(move || round + i)).collect();
        if round == 19 {
            println!("last round: {}", made.into_iter().map(|h| h.join().unwrap()).sum::<i32>());
        }
    }
}
