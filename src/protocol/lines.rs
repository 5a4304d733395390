//! Reads lines of bounded length from a pipe.

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// The longest line that is read, in bytes. A longer one is skipped to its end, and counted.
pub const MAX_LINE_BYTES: usize = 1 << 20;

/// A buffer that grew beyond this for one long line is given back afterwards.
const KEEP_BYTES: usize = 64 << 10;

/// One line from a pipe.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// A line without its line feed. At the end of the pipe the last one may lack the line feed.
    Complete(&'a [u8]),
    /// A line that was too long, and how long it was. Its bytes are gone.
    TooLong(usize),
}

/// Reads lines, never holding more than one and never more than its limit.
///
/// [`LineReader::next`] is cancel-safe: what was read of a line stays for the next call.
#[derive(Debug)]
pub struct LineReader<R> {
    pipe: R,
    max: usize,
    line: Vec<u8>,
    /// Bytes of the present line, counting those that were thrown away.
    length: usize,
    finished: bool,
}

impl<R: AsyncBufRead + Unpin> LineReader<R> {
    /// A reader of lines of at most `max` bytes.
    pub fn new(pipe: R, max: usize) -> Self {
        Self { pipe, max, line: Vec::new(), length: 0, finished: true }
    }

    /// The next line, or `None` at the end of the pipe.
    ///
    /// # Errors
    /// What the pipe gives.
    pub async fn next(&mut self) -> std::io::Result<Option<Line<'_>>> {
        if self.finished {
            self.line.clear();
            self.line.shrink_to(KEEP_BYTES);
            self.length = 0;
            self.finished = false;
        }
        loop {
            let chunk = self.pipe.fill_buf().await?;
            if chunk.is_empty() {
                self.finished = true;
                return Ok((self.length > 0).then(|| self.present()));
            }
            let end = chunk.iter().position(|&b| b == b'\n');
            let part = &chunk[..end.unwrap_or(chunk.len())];
            self.length += part.len();
            if self.length <= self.max {
                self.line.extend_from_slice(part);
            }
            let used = part.len() + usize::from(end.is_some());
            self.pipe.consume(used);
            if end.is_some() {
                self.finished = true;
                return Ok(Some(self.present()));
            }
        }
    }

    fn present(&self) -> Line<'_> {
        if self.length > self.max { Line::TooLong(self.length) } else { Line::Complete(&self.line) }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::BufReader;

    use super::*;

    async fn lines(input: &[u8], buffer: usize, max: usize) -> Vec<Result<Vec<u8>, usize>> {
        let mut reader = LineReader::new(BufReader::with_capacity(buffer, input), max);
        let mut out = Vec::new();
        while let Some(line) = reader.next().await.unwrap() {
            out.push(match line {
                Line::Complete(bytes) => Ok(bytes.to_vec()),
                Line::TooLong(n) => Err(n),
            });
        }
        out
    }

    #[tokio::test]
    async fn lines_are_split_whatever_the_size_of_the_pipes_buffer() {
        for buffer in [1, 2, 3, 7, 64] {
            assert_eq!(
                lines(b"ab\n\ncd\nlast", buffer, 10).await,
                [Ok(b"ab".to_vec()), Ok(vec![]), Ok(b"cd".to_vec()), Ok(b"last".to_vec())]
            );
        }
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_is_skipped_and_the_next_one_is_read() {
        for buffer in [1, 4, 64] {
            assert_eq!(
                lines(b"1234\n12345\nok\n", buffer, 4).await,
                [Ok(b"1234".to_vec()), Err(5), Ok(b"ok".to_vec())]
            );
        }
    }

    #[tokio::test]
    async fn a_ten_megabyte_line_is_never_held() {
        let mut input = vec![b'x'; 10 << 20];
        input.extend_from_slice(b"\nnext\n");
        let mut reader = LineReader::new(BufReader::new(&input[..]), MAX_LINE_BYTES);
        assert_eq!(reader.next().await.unwrap(), Some(Line::TooLong(10 << 20)));
        assert!(reader.line.capacity() <= 2 * MAX_LINE_BYTES);
        assert_eq!(reader.next().await.unwrap(), Some(Line::Complete(b"next")));
        assert!(reader.line.capacity() <= KEEP_BYTES);
    }
}
