//! A scene drawn by plotters: as SVG, and as PNG at twice the size, averaged down.
//!
//! SVG names the embedded font's family first and common ones of the same widths after it, since the
//! viewer's fonts decide; PNG is drawn with the embedded font. Plotters writes no title and no
//! description, so they are put in after it.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::register_font as register_plotters_font;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::FigureError;
use super::scene::{Anchor, Colour, Scene, Shape, WIDTH_PX, text_style, upward_style};

/// Family under which the embedded font is known to plotters.
pub(super) const FONT_FAMILY: &str = "sans-serif";

/// DejaVu Sans 2.37; see `fonts/LICENSE-DejaVu.txt`.
static FONT: &[u8] = include_bytes!("../../fonts/DejaVuSans.ttf");

/// Makes the embedded font known; must come before any measuring or drawing. Idempotent.
pub(super) fn register_font() -> Result<(), FigureError> {
    register_plotters_font(FONT_FAMILY, FontStyle::Normal, FONT).map_err(|_| FigureError::Backend {
        reason: "the embedded font is no font".into(),
    })
}

/// The scene as an SVG document with title and description.
pub(super) fn svg(scene: &Scene, title: &str, description: &str) -> Result<String, FigureError> {
    let mut svg = String::new();
    let backend = SVGBackend::with_string(&mut svg, (WIDTH_PX as u32, scene.height as u32));
    paint(scene, backend, &SVG_FIT)?;
    let start = svg.find('>').map_or(0, |end| end + 1);
    let body = svg[start..].replace(
        &format!("font-family=\"{FONT_FAMILY}\""),
        "font-family=\"DejaVu Sans, Verdana, sans-serif\"",
    );
    // Width in millimetres, twice a column, so that viewers show it at a sensible size; the view
    // box lets it scale.
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"170mm\" height=\"{}mm\" \
         viewBox=\"0 0 {WIDTH_PX} {}\">\n<title>{}</title>\n<desc>{}</desc>{body}",
        170 * scene.height / WIDTH_PX,
        scene.height,
        escaped(title),
        escaped(description),
    ))
}

/// The scene as a PNG file.
pub(super) fn png(scene: &Scene) -> Result<Vec<u8>, FigureError> {
    // Plotters smooths slanted edges unevenly; drawing larger and averaging smooths all alike.
    let (width, height) = (
        (WIDTH_PX * OVERSAMPLING) as usize,
        (scene.height * OVERSAMPLING) as usize,
    );
    let mut large = vec![0_u8; width * height * 3];
    let size = (width as u32, height as u32);
    paint(
        scene,
        BitMapBackend::with_buffer(&mut large, size),
        &PNG_FIT,
    )?;
    let small = averaged(&large, width, OVERSAMPLING as usize);

    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, WIDTH_PX as u32, scene.height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Best);
    encoder.set_adaptive_filter(png::AdaptiveFilterType::Adaptive);
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&small))
        .map_err(|error| FigureError::Backend {
            reason: error.to_string(),
        })?;
    Ok(file)
}

/// Pixels drawn per pixel stored, in each direction.
const OVERSAMPLING: i32 = 2;

/// Means of squares of `factor` pixels; `width` counts the pixels of a row before.
fn averaged(pixels: &[u8], width: usize, factor: usize) -> Vec<u8> {
    let row_bytes = width * 3;
    let area = (factor * factor) as u32;
    let mut small = Vec::with_capacity(pixels.len() / (factor * factor));
    for rows in pixels.chunks_exact(row_bytes * factor) {
        for column in 0..width / factor {
            for channel in 0..3 {
                let sum: u32 = (0..factor * factor)
                    .map(|k| {
                        (k / factor) * row_bytes + (column * factor + k % factor) * 3 + channel
                    })
                    .map(|index| u32::from(rows[index]))
                    .sum();
                small.push(((sum + area / 2) / area) as u8);
            }
        }
    }
    small
}

/// How scene units become a back end's.
struct Fit {
    /// Factor of all lengths.
    scale: i32,
    /// How far text goes down, in percent of its height, so that the middle of its capitals stands
    /// where the scene says; what each back end takes for the middle of a text differs.
    text_drop_percent: i32,
}

const SVG_FIT: Fit = Fit {
    scale: 1,
    text_drop_percent: 7,
};
const PNG_FIT: Fit = Fit {
    scale: OVERSAMPLING,
    text_drop_percent: 20,
};

/// Draws every shape.
fn paint<B: DrawingBackend>(scene: &Scene, backend: B, fit: &Fit) -> Result<(), FigureError> {
    let root = backend.into_drawing_area();
    let draw = || {
        root.fill(&WHITE)?;
        for shape in &scene.shapes {
            paint_shape(&root, shape, fit)?;
        }
        root.present()
    };
    draw().map_err(
        |error: DrawingAreaErrorKind<B::ErrorType>| FigureError::Backend {
            reason: error.to_string(),
        },
    )
}

fn paint_shape<B: DrawingBackend>(
    root: &DrawingArea<B, Shift>,
    shape: &Shape,
    fit: &Fit,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let scale = fit.scale;
    let scaled = |points: &[(i32, i32)]| -> Vec<(i32, i32)> {
        points.iter().map(|(x, y)| (x * scale, y * scale)).collect()
    };
    match shape {
        Shape::Line {
            points,
            colour,
            width,
        } => {
            let style = ShapeStyle::from(rgba(*colour)).stroke_width((width * scale) as u32);
            root.draw(&PathElement::new(scaled(points), style))
        }
        Shape::Polygon { points, colour } => root.draw(&Polygon::new(
            scaled(points),
            ShapeStyle::from(rgba(*colour)).filled(),
        )),
        Shape::Rectangle { area, colour } => {
            let corners = scaled(&[(area.left, area.top), (area.right, area.bottom)]);
            let style = ShapeStyle::from(rgba(*colour)).filled();
            root.draw(&Rectangle::new([corners[0], corners[1]], style))
        }
        Shape::Circle {
            centre,
            radius,
            colour,
        } => {
            let centre = (centre.0 * scale, centre.1 * scale);
            let style = ShapeStyle::from(rgba(*colour)).filled();
            root.draw(&Circle::new(centre, radius * scale, style))
        }
        Shape::Text {
            text,
            at,
            height,
            colour,
            anchor,
            upward,
        } => {
            let horizontal = match anchor {
                Anchor::Left => HPos::Left,
                Anchor::Centre => HPos::Center,
                Anchor::Right => HPos::Right,
            };
            let colour = rgba(*colour);
            let font = if *upward { upward_style } else { text_style };
            let style = font(height * scale)
                .pos(Pos::new(horizontal, VPos::Center))
                .color(&colour);
            let drop = height * scale * fit.text_drop_percent / 100;
            let (right, down) = if *upward { (drop, 0) } else { (0, drop) };
            let at = (at.0 * scale + right, at.1 * scale + down);
            root.draw(&Text::new(text.as_str(), at, style))
        }
    }
}

fn rgba(colour: Colour) -> RGBAColor {
    let (red, green, blue) = colour.rgb;
    RGBAColor(red, green, blue, f64::from(colour.opacity_percent) / 100.0)
}

/// `text` as XML character data; control characters, which XML forbids, become spaces.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averaging_takes_whole_squares() {
        let pixels = [0, 10, 20, 4, 10, 20, 0, 10, 20, 0, 12, 20];
        assert_eq!(averaged(&pixels, 2, 2), [1, 11, 20]);
    }

    #[test]
    fn names_from_scenarios_cannot_become_markup() {
        assert_eq!(escaped("a<b>&\u{7}c"), "a&lt;b&gt;&amp; c");
    }
}
