//! A server that speaks git's protocol by hand and says what no git would: one thread a
//! connection, plain TCP, `git://` or HTTP.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// A server that does to everybody who connects what it was given to do.
pub struct Liar {
    port: u16,
    gone: Arc<AtomicBool>,
    calls: Arc<AtomicUsize>,
}

/// What a connection came to.
pub type Done = io::Result<()>;

impl Liar {
    /// Starts it; `act` is handed the connection after the request line was read.
    pub fn start(act: impl Fn(&mut TcpStream) -> Done + Send + Sync + 'static) -> Liar {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let gone = Arc::new(AtomicBool::new(false));
        let calls = Arc::new(AtomicUsize::new(0));
        let (over, count, act) = (gone.clone(), calls.clone(), Arc::new(act));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(mut stream) = stream else { continue };
                count.fetch_add(1, Ordering::Relaxed);
                let act = act.clone();
                // who hangs up on us has understood
                std::thread::spawn(move || act(&mut stream).is_ok());
            }
        });
        Liar { port, gone, calls }
    }

    /// The address for git's own protocol.
    pub fn git(&self) -> String {
        format!("git://127.0.0.1:{}/x.git", self.port)
    }

    /// The address for HTTP.
    pub fn http(&self) -> String {
        format!("http://127.0.0.1:{}/x.git", self.port)
    }

    /// How many have connected.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Relaxed);
        TcpStream::connect(("127.0.0.1", self.port)).ok();
    }
}

/// Never says anything more, and never hangs up either.
pub fn hang(stream: &mut TcpStream) -> Done {
    let mut sink = [0; 4096];
    while stream.read(&mut sink)? > 0 {}
    std::thread::sleep(Duration::from_secs(60));
    Ok(())
}

/// One packet line.
pub fn packet(payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let mut out = format!("{:04x}", payload.len() + 4).into_bytes();
    out.extend_from_slice(payload);
    out
}

/// Reads one packet line; empty for a flush.
pub fn read_packet(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = std::str::from_utf8(&length).ok();
    let length = length.and_then(|hex| usize::from_str_radix(hex, 16).ok());
    let mut payload = vec![0; length.unwrap_or(0).saturating_sub(4)];
    stream.read_exact(&mut payload)?;
    Ok(payload)
}

/// Reads the request of `git://` and lists these lines, the first with capabilities.
pub fn advertise(stream: &mut TcpStream, lines: &[String], capabilities: &str) -> Done {
    read_packet(stream)?;
    for (at, line) in lines.iter().enumerate() {
        let line = match at {
            0 => format!("{line}\0{capabilities}\n"),
            _ => format!("{line}\n"),
        };
        stream.write_all(&packet(line))?;
    }
    stream.write_all(b"0000")
}

/// Reads what the client wants until it is done; false when it wanted nothing.
pub fn wanted(stream: &mut TcpStream) -> io::Result<bool> {
    let mut any = false;
    loop {
        let line = read_packet(stream)?;
        match line.as_slice() {
            b"" if !any => return Ok(false),
            b"done\n" => {
                stream.write_all(&packet("NAK\n"))?;
                return Ok(true);
            }
            b"" => {}
            line if line.starts_with(b"have ") => {}
            _ => any = true,
        }
    }
}

/// The head of HTTP's request, read to its empty line.
pub fn http_request(stream: &mut TcpStream) -> io::Result<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && head.len() < 1 << 16 {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}
