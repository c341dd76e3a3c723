// std::time and sleeping.
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

fn main() {
    let start = Instant::now();
    sleep(Duration::from_millis(30));
    let elapsed = start.elapsed();
    println!("slept: {}", elapsed >= Duration::from_millis(30) && elapsed < Duration::from_secs(3));
    let mut last = Instant::now();
    let mut backwards = 0;
    for _ in 0..100_000 {
        let now = Instant::now();
        backwards += usize::from(now < last);
        last = now;
    }
    println!("backwards: {backwards}");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    println!("after 2023: {}", now.as_secs() > 1_700_000_000);
    println!("before 2100: {}", now.as_secs() < 4_102_444_800);
    println!("file time: {}", {
        std::fs::write("/tmp/rust-time", "x").unwrap();
        let modified = std::fs::metadata("/tmp/rust-time").unwrap().modified().unwrap();
        SystemTime::now().duration_since(modified).map_or(true, |d| d < Duration::from_secs(2))
    });
    let file = std::fs::File::options().write(true).open("/tmp/rust-time").unwrap();
    file.set_modified(UNIX_EPOCH + Duration::new(1_234_567_890, 123_456_789)).unwrap();
    println!("set_modified: {:?}", file.metadata().unwrap().modified().unwrap().duration_since(UNIX_EPOCH).unwrap());
    let a = Instant::now();
    let b = a + Duration::from_millis(1500);
    println!("difference: {:?} {:?}", b - a, a.saturating_duration_since(b));
}
