//! A receiver on the loopback interface that answers as it is told, and keeps what it was sent.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// What it does with a request.
#[derive(Debug, Clone)]
pub enum Does {
    /// Answers with these lines behind `HTTP/1.1 ` and this body.
    Answer(&'static str, &'static str),
    /// Reads the request and never answers.
    Stall,
    /// Hangs up in the middle of the request.
    HangUp,
}

/// One request.
#[derive(Debug, Clone)]
pub struct Request {
    /// The first line.
    pub line: String,
    /// `name: value`, names in lower case.
    pub headers: Vec<String>,
    pub body: Vec<u8>,
}

/// A receiver; it ends with the process of the test.
pub struct Receiver {
    pub url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Receiver {
    /// The n-th request meets the n-th deed, and all behind the last one the last.
    pub fn new(deeds: Vec<Does>) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/in", listener.local_addr().expect("a port"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = requests.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (kept, deeds) = (kept.clone(), deeds.clone());
                let stream = stream.expect("a connection");
                thread::spawn(move || serve(stream, &deeds, &kept));
            }
        });
        Receiver { url, requests }
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Request> {
        let requests = self.requests.lock();
        requests.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn serve(stream: TcpStream, deeds: &[Does], kept: &Mutex<Vec<Request>>) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
        let at = {
            let mut kept = kept.lock().expect("a lock");
            kept.push(request);
            kept.len() - 1
        };
        match deeds.get(at).or(deeds.last()).expect("a deed") {
            Does::Answer(head, body) => {
                let length = body.len();
                let text = format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\n\r\n{body}");
                if reader.get_mut().write_all(text.as_bytes()).is_err() {
                    return;
                }
            }
            Does::Stall => thread::sleep(std::time::Duration::from_secs(600)),
            Does::HangUp => return,
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let (mut headers, mut length) = (Vec::new(), 0);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let header = header.trim_end();
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(':')?;
        let name = name.to_ascii_lowercase();
        if name == "content-length" {
            length = value.trim().parse().ok()?;
        }
        headers.push(format!("{name}:{value}"));
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request {
        line: line.trim_end().to_owned(),
        headers,
        body,
    })
}
