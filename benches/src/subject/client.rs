//! A caller of the API.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::bail;
use serde_json::Value;

/// A connection to the API that stays open.
pub struct Client {
    stream: BufReader<TcpStream>,
    host: SocketAddr,
    token: String,
}

impl Client {
    /// Connects, for requests with this token.
    ///
    /// # Errors
    /// Nobody listens there.
    pub fn connect(host: SocketAddr, token: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self { stream: BufReader::new(stream), host, token: token.to_owned() })
    }

    /// The body of the answer, which has to be good.
    ///
    /// # Errors
    /// There is none, or it is not good.
    pub fn get(&mut self, path: &str) -> anyhow::Result<Vec<u8>> {
        let Self { host, token, .. } = self;
        let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n\r\n");
        self.stream.get_mut().write_all(request.as_bytes())?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        if !line.starts_with("HTTP/1.1 200") {
            bail!("{path} was answered with {line:?}");
        }
        let mut length = 0;
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            match line.trim_end().split_once(": ") {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse()?,
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(body)
    }

    /// The answer as JSON.
    ///
    /// # Errors
    /// There is none, or it is something else.
    pub fn json(&mut self, path: &str) -> anyhow::Result<Value> {
        Ok(serde_json::from_slice(&self.get(path)?)?)
    }

    /// How many messages were received since the program's start, each of them on disk.
    ///
    /// # Errors
    /// The program does not tell.
    pub fn received(&mut self) -> anyhow::Result<u64> {
        Ok(self.json("/status")?["messages_received"].as_u64().unwrap_or(0))
    }

    /// Of the figures the one with this name and no labels.
    ///
    /// # Errors
    /// The program does not tell.
    pub fn figure(&mut self, name: &str) -> anyhow::Result<f64> {
        let text = String::from_utf8(self.get("/metrics")?)?;
        figure(&text, name)
    }
}

fn figure(text: &str, name: &str) -> anyhow::Result<f64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let Some(value) = value else { bail!("there is no figure {name}") };
    Ok(value.split(' ').next().unwrap_or_default().parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_found_by_its_whole_name() {
        let text = "# TYPE a histogram\na_count_more 9\na_count 17\nb{x=\"1\"} 3\n";
        assert_eq!(figure(text, "a_count").unwrap(), 17.0);
        assert!(figure(text, "b").is_err());
    }
}
