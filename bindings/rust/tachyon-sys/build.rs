// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors
//! Finds libtachyon, or builds it.
//!
//! LIBTACHYON_VENDORED=1 builds the vendored C sources, as the feature `vendored` does; =0 insists
//! on an installed library. Unset: an installed one of a fitting version, else the vendored.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The versions of libtachyon whose interface this crate declares: from the first, before the
/// second.
const VERSIONS: std::ops::Range<&str> = "0.1.0".."0.2";

#[derive(PartialEq)]
enum Choice {
    Installed,
    Vendored,
    Either,
}

fn choice() -> Choice {
    println!("cargo:rerun-if-env-changed=LIBTACHYON_VENDORED");
    match env::var("LIBTACHYON_VENDORED").as_deref() {
        Ok("1") => Choice::Vendored,
        Ok("0") => Choice::Installed,
        Ok(other) if !other.is_empty() => {
            panic!("LIBTACHYON_VENDORED is '{other}': it should be 0 or 1")
        }
        _ if env::var_os("CARGO_FEATURE_VENDORED").is_some() => Choice::Vendored,
        _ => Choice::Either,
    }
}

/// Where its headers are: for crates that compile C against it, as DEP_TACHYON_INCLUDE.
fn tell_include(directory: &Path) {
    println!("cargo:include={}", directory.display());
    println!("cargo:rustc-env=TACHYON_INCLUDE={}", directory.display());
}

fn find_installed() -> Result<(), pkg_config::Error> {
    let library = pkg_config::Config::new()
        .range_version(VERSIONS)
        .probe("tachyon")?;
    // Where pkg-config leaves out /usr/include, the compiler looks there anyway.
    let default = PathBuf::from("/usr/include");

    tell_include(library.include_paths.first().unwrap_or(&default));
    Ok(())
}

/// All of a directory with this extension, sorted: a build should not depend on the file system.
fn list(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();

    files.sort();
    files
}

fn build_vendored() {
    let vendor = Path::new(&env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("vendor");
    let include = vendor.join("include");
    let sources = list(&vendor, "c");
    let mut build = cc::Build::new();

    // The directory as well: for a source that is new.
    println!("cargo:rerun-if-changed={}", vendor.display());
    for file in sources
        .iter()
        .chain(&list(&vendor, "h"))
        .chain(&list(&include, "h"))
        .chain(&list(&include.join("tachyon"), "h"))
    {
        println!("cargo:rerun-if-changed={}", file.display());
    }

    // As in lib/meson.build; the names stay inside whatever links them.
    build
        .files(&sources)
        .include(&include)
        .define("_GNU_SOURCE", None)
        .std("c11")
        .flag("-fvisibility=hidden");
    if env::var("PROFILE").as_deref() == Ok("release") {
        build.define("NDEBUG", None);
    }
    build.compile("tachyon");
    tell_include(&include);
}

fn main() {
    let choice = choice();

    println!("cargo:rerun-if-changed=build.rs");
    // For the test, which compiles C.
    println!(
        "cargo:rustc-env=TACHYON_TARGET={}",
        env::var("TARGET").unwrap()
    );
    assert_eq!(
        env::var("CARGO_CFG_TARGET_OS").as_deref(),
        Ok("linux"),
        "Tachyon needs Linux: sealed memory files, membarrier"
    );
    if choice != Choice::Vendored {
        match find_installed() {
            Ok(()) => return,
            Err(error) if choice == Choice::Installed => panic!("{error}"),
            Err(_) => {}
        }
    }
    build_vendored();
}
