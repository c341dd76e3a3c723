// std::fs, std::io and std::path on a static, unmodified build.
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{symlink, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

fn main() -> io::Result<()> {
    let dir = Path::new("/tmp/rust-fs");
    let _ = fs::remove_dir_all(dir);
    fs::create_dir_all(dir.join("a/b"))?;
    println!("create_dir again: {:?}", fs::create_dir(dir).unwrap_err().kind());

    fs::write(dir.join("f"), "line one\nline two\nline three\n")?;
    println!("read_to_string: {:?}", fs::read_to_string(dir.join("f"))?);
    println!("lines: {}", BufReader::new(File::open(dir.join("f"))?).lines().count());
    let metadata = fs::metadata(dir.join("f"))?;
    println!("metadata: len {} file {} mode {:o} links {}", metadata.len(), metadata.is_file(), metadata.mode(), metadata.nlink());
    println!("missing: {:?}", File::open(dir.join("missing")).unwrap_err().kind());
    println!("missing: {}", File::open(dir.join("missing")).unwrap_err());

    let mut file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o640).open(dir.join("g"))?;
    file.write_all(b"0123456789")?;
    println!("seek: {}", file.seek(SeekFrom::Current(-4))?);
    let mut text = String::new();
    println!("read: {} {text:?}", file.read_to_string(&mut text)?);
    println!("rest: {text:?}");
    file.set_len(4)?;
    file.write_all_at(b"XY", 2)?;
    let mut bytes = [0; 4];
    file.read_exact_at(&mut bytes, 0)?;
    println!("positioned: {:?}", std::str::from_utf8(&bytes).unwrap());
    println!("short read: {:?}", file.read_exact_at(&mut [0; 10], 0).unwrap_err().kind());
    file.sync_all()?;
    println!("create_new again: {:?}", OpenOptions::new().write(true).create_new(true).open(dir.join("g")).unwrap_err().kind());

    OpenOptions::new().append(true).open(dir.join("f"))?.write_all(b"line four\n")?;
    fs::rename(dir.join("f"), dir.join("a/f"))?;
    println!("copied: {}", fs::copy(dir.join("a/f"), dir.join("a/b/copy"))?);
    fs::hard_link(dir.join("a/f"), dir.join("hard"))?;
    println!("links: {}", fs::metadata(dir.join("hard"))?.nlink());
    symlink("a/f", dir.join("soft"))?;
    println!("read_link: {:?}", fs::read_link(dir.join("soft"))?);
    println!("symlink: {}", fs::symlink_metadata(dir.join("soft"))?.file_type().is_symlink());
    println!("canonicalize: {:?}", fs::canonicalize(dir.join("a/../soft"))?);
    println!("exists: {} {}", dir.join("soft").exists(), dir.join("nowhere").exists());

    fs::set_permissions(dir.join("g"), fs::Permissions::from_mode(0o400))?;
    println!("read-only: {}", fs::metadata(dir.join("g"))?.permissions().readonly());

    let mut writer = BufWriter::new(File::create(dir.join("big"))?);
    for i in 0..20000u32 {
        writeln!(writer, "{i}")?;
    }
    writer.flush()?;
    let sum: u64 = BufReader::new(File::open(dir.join("big"))?).lines().map(|l| l.unwrap().parse::<u64>().unwrap()).sum();
    println!("sum: {sum}");

    let mut names: Vec<_> = fs::read_dir(dir)?.map(|e| e.map(|e| (e.file_name(), e.file_type().unwrap().is_dir()))).collect::<Result<_, _>>()?;
    names.sort();
    println!("read_dir: {names:?}");
    println!("remove_dir: {:?}", fs::remove_dir(dir.join("a")).unwrap_err().kind());
    println!("remove_file of directory: {}", fs::remove_file(dir.join("a")).is_err());
    println!("not a directory: {:?}", fs::read_dir(dir.join("g")).unwrap_err().kind());
    fs::remove_dir_all(dir)?;
    println!("gone: {}", !dir.exists());
    Ok(())
}
