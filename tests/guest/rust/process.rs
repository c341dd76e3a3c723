// std::process: children with pipes, environment, directories, statuses. Runs itself again.
use std::env;
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{self, Command, Stdio};

fn child(what: &str) -> ! {
    match what {
        "echo" => println!("{:?}", env::args().skip(2).collect::<Vec<_>>()),
        "env" => println!("{:?}", env::vars().collect::<Vec<_>>()),
        "cwd" => println!("{:?}", env::current_dir().unwrap()),
        "upper" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).unwrap();
            print!("{}", text.to_uppercase());
            eprint!("to stderr");
        }
        "exit" => process::exit(42),
        "abort" => process::abort(),
        "sleep" => std::thread::sleep(std::time::Duration::from_secs(60)),
        _ => panic!("unknown"),
    }
    process::exit(0)
}

fn main() {
    if let Some(what) = env::args().nth(1) {
        child(&what);
    }
    let me = || Command::new("/proc/self/exe");
    println!("output: {:?}", me().args(["echo", "", "two words", "ü"]).output().unwrap());
    println!("env: {:?}", String::from_utf8(me().arg("env").env_clear().env("A", "1").output().unwrap().stdout));
    println!("cwd: {:?}", String::from_utf8(me().arg("cwd").current_dir("/tmp").output().unwrap().stdout));
    println!("bad cwd: {:?}", me().arg("cwd").current_dir("/nowhere").output().unwrap_err().kind());

    let mut upper = me().arg("upper").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let text = "text through a pipe\n".repeat(10000);
    let mut stdin = upper.stdin.take().unwrap();
    let sent = text.clone();
    let writer = std::thread::spawn(move || stdin.write_all(sent.as_bytes()).unwrap());
    let output = upper.wait_with_output().unwrap();
    writer.join().unwrap();
    println!("through: {} {:?}", output.stdout == text.to_uppercase().as_bytes(), String::from_utf8(output.stderr));

    println!("exit: {:?}", me().arg("exit").status().unwrap().code());
    let aborted = me().arg("abort").stderr(Stdio::null()).status().unwrap();
    println!("abort: {:?} {:?}", aborted.code(), aborted.signal());
    let mut sleeper = me().arg("sleep").spawn().unwrap();
    println!("running: {:?}", sleeper.try_wait().unwrap());
    sleeper.kill().unwrap();
    println!("killed: {:?}", sleeper.wait().unwrap().signal());
    println!("missing: {:?}", Command::new("/no/such").spawn().unwrap_err().kind());
    println!("not executable: {:?}", Command::new("/tmp").spawn().unwrap_err().kind());
    let mut children: Vec<_> = (0..20).map(|i| me().args(["echo", &i.to_string()]).stdout(Stdio::piped()).spawn().unwrap()).collect();
    let mut all = String::new();
    for child in &mut children {
        child.stdout.take().unwrap().read_to_string(&mut all).unwrap();
        child.wait().unwrap();
    }
    println!("twenty: {}", all.replace('\n', " "));
    println!("id: {}", process::id() > 0);
    let error = me().arg("echo").arg("replaced").exec();
    println!("not reached: {error}");
}
