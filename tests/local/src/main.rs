//! `make run`: starts the product and says where it is.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use cloud_core::State;
use local::{Local, Options};

#[tokio::main]
async fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(error) => return fail(&error),
    };
    let local = match Local::start(options).await {
        Ok(local) => local,
        Err(error) => return fail(&error),
    };
    let info = local.info();
    let get = |name: &str| info.get(name).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
    say(&format!(
        "\nThe product runs on this machine.\n\n  start page     {api}/\n  documentation  {api}/docs\n  studio         {api}/_local/studio\n  API            {api}\n  AWS endpoint   {}\n  CDN            {}\n  state          {}\n\nControl-C stops it.\n",
        get("aws_endpoint"),
        get("cdn"),
        get("state"),
        api = get("api"),
    ));
    let _ = tokio::signal::ctrl_c().await;
    local.stop();
    ExitCode::SUCCESS
}

// The one-machine product is no function: its own settings are the process's.
#[allow(clippy::disallowed_methods)]
fn var(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|v| !v.is_empty())
}

fn options() -> Result<Options, String> {
    let port = |name: &str, default: u16| match var(name) {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| format!("{name}={text} is no port")),
    };
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let state = match var("LOCAL_STATE").as_deref() {
        Some("memory") => State::Memory,
        Some(folder) => State::Dir(PathBuf::from(folder)),
        None => State::Dir(PathBuf::from(".local")),
    };
    if let State::Dir(folder) = &state {
        std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    let binaries = match var("LOCAL_RUNTIME").as_deref() {
        None | Some("linked") => None,
        Some("process") => Some(root.join("target/release")),
        Some(other) => return Err(format!("LOCAL_RUNTIME={other}: linked or process")),
    };
    Ok(Options {
        root,
        state,
        api_port: port("PORT", 3000)?,
        aws_port: port("AWS_PORT", 4566)?,
        cdn_port: port("CDN_PORT", 3001)?,
        rate_limits: var("RATE_LIMITS").unwrap_or_else(|| "on".into()),
        binaries,
    })
}

fn say(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

fn fail(error: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr().lock(), "cannot start: {error}");
    ExitCode::FAILURE
}
