// std::env, arguments, standard streams, and what the runtime needs at start.
use std::collections::HashMap;
use std::env;
use std::io::{self, IsTerminal, Read, Write};

fn main() -> io::Result<()> {
    println!("args: {:?}", env::args().collect::<Vec<_>>());
    println!("current_exe: {:?}", env::current_exe()?);
    env::set_current_dir("/tmp")?;
    println!("current_dir: {:?}", env::current_dir()?);
    println!("temp_dir: {:?}", env::temp_dir());
    unsafe {
        env::set_var("ASTRA_TEST", "ü=1");
    }
    println!("var: {:?} {:?}", env::var("ASTRA_TEST"), env::var("NOT_SET"));
    unsafe {
        env::remove_var("ASTRA_TEST");
    }
    println!("removed: {:?}", env::var_os("ASTRA_TEST"));
    println!("has PATH: {}", env::var_os("PATH").is_some());
    let mut text = String::new();
    println!("stdin: {} {}", io::stdin().read_to_string(&mut text)?, io::stdin().is_terminal());
    println!("stdout is a terminal: {}", io::stdout().is_terminal());
    io::stderr().write_all(b"to stderr\n")?;
    // A hash map's seed comes from the kernel's random numbers.
    let map: HashMap<_, _> = (0..1000).map(|i| (i, i * 2)).collect();
    println!("map: {}", map.values().sum::<i32>());
    let mut large = vec![0u8; 64 << 20];
    for page in large.chunks_mut(4096) {
        page[0] = 1;
    }
    println!("allocated: {}", large.iter().map(|b| *b as usize).sum::<usize>());
    drop(large);
    let mut small: Vec<Box<[u8]>> = (0..10000usize).map(|i| vec![i as u8; i % 500].into()).collect();
    small.retain(|b| b.len() % 3 == 0);
    println!("kept: {}", small.iter().map(|b| b.len()).sum::<usize>());
    println!("float: {} {:.6} {:e}", 0.1 + 0.2, std::f64::consts::PI.sin().abs(), 1e300 * 1e10);
    Ok(())
}
