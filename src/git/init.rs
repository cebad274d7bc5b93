//! Makes a new bare repository.

use std::path::Path;
use std::time::{Duration, Instant};

use super::environment::Environment;
use super::process::Git;
use super::refs::check_name;
use super::repository::{OpenError, Repository};

const DEADLINE: Duration = Duration::from_secs(30);

impl Repository {
    /// Makes a bare repository at `path`, which must be absent or an empty directory. Its HEAD
    /// names the reference `head`.
    pub fn create_bare(
        environment: &Environment,
        path: &Path,
        format: gix::hash::Kind,
        head: &str,
    ) -> Result<Self, OpenError> {
        let path = environment.absolute(path);
        let broken = |why: String| OpenError::Broken {
            path: path.clone(),
            why,
        };
        check_name(head).map_err(|error| broken(error.to_string()))?;
        let branch = head
            .strip_prefix("refs/heads/")
            .ok_or_else(|| broken(format!("'{head}' is no branch")))?;
        let output = Git::new(environment, "init", Instant::now() + DEADLINE)
            .args(["--quiet", "--bare", "--template="])
            .arg(format!("--object-format={format}"))
            .arg(format!("--initial-branch={branch}"))
            .arg("--end-of-options")
            .arg(&path)
            .run()
            .map_err(|error| broken(error.to_string()))?;
        if !output.success() {
            return Err(broken(output.stderr_text()));
        }
        Self::open(environment, &path)
    }
}
