// std::net over the loopback: streams, listeners, datagrams, timeouts and errors.
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
use std::thread;
use std::time::Duration;

fn kind<T>(result: std::io::Result<T>) -> String {
    match result {
        Ok(_) => "ok".into(),
        Err(error) => format!("{:?}", error.kind()),
    }
}

fn echo() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        for stream in listener.incoming().take(4) {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let mut lines = BufReader::new(stream.try_clone().unwrap());
                let mut line = String::new();
                while lines.read_line(&mut line).unwrap() > 0 {
                    stream.write_all(line.to_uppercase().as_bytes()).unwrap();
                    line.clear();
                }
            });
        }
    });
    let clients: Vec<_> = (0..4)
        .map(|i| {
            thread::spawn(move || {
                let mut stream = TcpStream::connect(address).unwrap();
                stream.set_nodelay(true).unwrap();
                for j in 0..100 {
                    writeln!(stream, "client {i} line {j}").unwrap();
                }
                stream.shutdown(Shutdown::Write).unwrap();
                let mut text = String::new();
                stream.read_to_string(&mut text).unwrap();
                (text.lines().count(), text.lines().last().unwrap().to_string())
            })
        })
        .collect();
    for client in clients {
        println!("{:?}", client.join().unwrap());
    }
    server.join().unwrap();
}

fn bulk() {
    let listener = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let sender = thread::spawn(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        let block: Vec<u8> = (0..1 << 20).map(|i: usize| (i * 7 + (i >> 9)) as u8).collect();
        for _ in 0..16 {
            stream.write_all(&block).unwrap();
        }
    });
    let (mut stream, peer) = listener.accept().unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    sender.join().unwrap();
    let sum = bytes.iter().fold(0u64, |sum, &byte| sum.wrapping_mul(31).wrapping_add(byte as u64));
    println!("{} bytes, {sum:x}, from {}", bytes.len(), peer.ip());
}

fn errors() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    println!("refused: {}", kind(TcpStream::connect(free)));
    println!("refused in time: {}", kind(TcpStream::connect_timeout(&free, Duration::from_secs(5))));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("taken: {}", kind(TcpListener::bind(taken.local_addr().unwrap())));
    println!("not ours: {}", kind(TcpListener::bind("9.9.9.9:80")));
    taken.set_nonblocking(true).unwrap();
    println!("nobody: {}", kind(taken.accept()));
    let stream = TcpStream::connect(taken.local_addr().unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let late = (&stream).read(&mut [0]).unwrap_err().kind();
    println!("late: {}", late == ErrorKind::WouldBlock || late == ErrorKind::TimedOut);
    println!("peeked: {}", kind(stream.peek(&mut [0])));
    println!("ttl: {}", stream.ttl().unwrap());
    println!("name: {:?}", "127.0.0.1:80".to_socket_addrs().unwrap().collect::<Vec<SocketAddr>>());
}

fn datagrams() {
    let one = UdpSocket::bind("127.0.0.1:0").unwrap();
    let two = UdpSocket::bind("127.0.0.1:0").unwrap();
    one.connect(two.local_addr().unwrap()).unwrap();
    for size in [0usize, 1, 1500, 60000] {
        one.send(&vec![size as u8; size]).unwrap();
        let mut bytes = vec![0; 65536];
        let (got, from) = two.recv_from(&mut bytes).unwrap();
        println!("{got} {}", from == one.local_addr().unwrap());
    }
    drop(two);
    println!("sent: {}", kind(one.send(b"x")));
    println!("refused: {}", kind(one.recv(&mut [0])));
    println!("no broadcast: {}", kind(UdpSocket::bind("127.0.0.1:0").unwrap().send_to(b"x", "255.255.255.255:9")));
}

fn main() {
    echo();
    bulk();
    errors();
    datagrams();
}
