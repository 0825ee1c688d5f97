//! `badlink new NAME`: a commented starter scenario.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;

use crate::args::NewArgs;
use crate::exit::{Exit, fail, say};

/// Writes the starter.
pub(crate) fn run(args: &NewArgs) -> Exit {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if args.name.is_empty() || !args.name.chars().all(fits) {
        let hint = "use letters, digits, `-` and `_`, as in `badlink new my-study`";
        return fail(
            Exit::Usage,
            format_args!("`{}` is no scenario name", args.name),
            hint,
        );
    }
    let path = args
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("{}.toml", args.name)));
    let mut options = OpenOptions::new();
    options.write(true);
    if args.force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    let text = scenarios::starter(&args.name);
    let written = options
        .open(&path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    match written {
        Ok(()) => {
            say(format_args!(
                "wrote {}; next: badlink run {}",
                path.display(),
                path.display()
            ));
            Exit::Good
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let hint = "choose another name, or replace it with --force";
            fail(
                Exit::Usage,
                format_args!("{} is there already", path.display()),
                hint,
            )
        }
        Err(error) => {
            let hint = "write elsewhere with --out FILE";
            fail(
                Exit::Usage,
                format_args!("cannot write {}: {error}", path.display()),
                hint,
            )
        }
    }
}
