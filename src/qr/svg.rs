//! A code as a drawing that scales: SVG 1.1.

use std::fmt::Write as _;

use super::{Modules, PICTURE_SCALE};

impl Modules {
    /// The code as an SVG image, dark on white, eight pixels a module where nothing scales it.
    pub fn to_svg(&self) -> String {
        let size = self.size();
        let side = size * PICTURE_SCALE;
        let mut path = String::with_capacity(size * size * 4);
        for y in 0..size {
            let mut x = 0;
            while x < size {
                let run = (x..size).take_while(|&x| self.is_dark(x, y)).count();
                if run > 0 {
                    let _ = write!(path, "M{x} {y}h{run}v1h-{run}z");
                }
                x += run.max(1);
            }
        }
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{side}\" height=\"{side}\" viewBox=\"0 0 {size} {size}\" \
             shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{size}v{size}H0z\"/><path d=\"{path}\"/></svg>\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{read, texts};
    use super::super::{Modules, PICTURE_QUIET};

    /// What the runs of a drawing paint, read as SVG has it: `M x y h n …` is a run of n modules.
    fn painted(svg: &str) -> Vec<(usize, usize, usize)> {
        let path = svg.rsplit_once("<path d=\"").unwrap().1.split('"').next().unwrap();
        let run = |part: &str| {
            let (from, rest) = part.split_once('h').unwrap();
            let (x, y) = from.split_once(' ').unwrap();
            (x.parse().unwrap(), y.parse().unwrap(), rest.split('v').next().unwrap().parse().unwrap())
        };
        path.split_terminator('z').map(|part| run(part.strip_prefix('M').unwrap())).collect()
    }

    #[test]
    fn the_drawing_holds_the_text() {
        for text in texts() {
            let modules = Modules::encode_within(&text, PICTURE_QUIET).unwrap();
            let svg = modules.to_svg();
            let runs = painted(&svg);
            let scale = 4;
            let luma = |x: usize, y: usize| {
                let (x, y) = (x / scale, y / scale);
                let dark = runs.iter().any(|&(from, row, n)| row == y && (from..from + n).contains(&x));
                if dark { 0 } else { 255 }
            };
            let side = modules.size() * scale;
            assert_eq!(read(side, side, luma), Some(text));
            assert!(svg.contains(&format!("viewBox=\"0 0 {0} {0}\"", modules.size())));
        }
    }
}
