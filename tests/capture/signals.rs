//! Signals: each reaches the command once, and what was ignored stays ignored.

use std::process::Stdio;

use rustix::process::Signal;

use super::*;

/// A command that writes a line for each signal it gets and ends with status 9 on TERM.
const LISTENER: &str = "for s in INT USR1 USR2 HUP QUIT; do trap \"echo $s >> ../got\" $s; done; \
    trap 'echo TERM >> ../got; exit 9' TERM; echo > ../ready; \
    while :; do sleep 0.02; done";

fn got(world: &World) -> Vec<String> {
    let text = std::fs::read_to_string(world.path("got")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn wait_until_got(world: &World, count: usize) {
    while got(world).len() < count {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[test]
fn one_that_is_sent_to_us_reaches_the_command_once() {
    let world = world();
    let mut command = binary(&world, &["run", "--", "sh", "-c", LISTENER]);
    let mut child = command.stderr(Stdio::null()).spawn().expect("a program");
    wait_for(&world.path("ready"));
    let sent = [
        Signal::USR1,
        Signal::INT,
        Signal::HUP,
        Signal::QUIT,
        Signal::USR2,
    ];
    for (at, one) in sent.into_iter().enumerate() {
        signal(&child, one);
        wait_until_got(&world, at + 1);
    }
    signal(&child, Signal::TERM);
    assert_eq!(child.wait().expect("an end").code(), Some(9));
    assert_eq!(got(&world), ["USR1", "INT", "HUP", "QUIT", "USR2", "TERM"]);
    let finished = &events(&world, "dev.cdevents.taskrun.finished")[0];
    assert_eq!(text(finished, "data/subject/content/outcome"), "failure");
}

#[test]
fn a_command_that_dies_of_it_was_cancelled() {
    let world = world();
    let mut command = binary(
        &world,
        &["run", "--", "sh", "-c", "echo > ../ready; exec sleep 100"],
    );
    let mut child = command.stderr(Stdio::null()).spawn().expect("a program");
    wait_for(&world.path("ready"));
    // stopped and continued, it goes on waiting
    signal(&child, Signal::STOP);
    signal(&child, Signal::CONT);
    signal(&child, Signal::TERM);
    assert_eq!(child.wait().expect("an end").code(), Some(143));
    let finished = &events(&world, "dev.cdevents.taskrun.finished")[0];
    assert_eq!(text(finished, "data/subject/content/outcome"), "cancel");
    assert_eq!(text(finished, "data/customData/exit/signal"), "SIGTERM");
}

#[test]
fn what_nohup_ignores_stays_ignored() {
    let world = world();
    let script = "trap '' HUP; exec git-ledger run -q -- sh -c 'echo > ../ready; sleep 1; echo done > ../end'";
    let mut command = world.command("r", "sh");
    command.args(["-c", script]);
    let mut child = command.spawn().expect("a program");
    wait_for(&world.path("ready"));
    signal(&child, Signal::HUP);
    assert_eq!(child.wait().expect("an end").code(), Some(0));
    assert!(world.path("end").exists());
}

/// What a terminal sends goes to its whole foreground group; the command must not get it twice,
/// neither from us nor, past us, from git.
const TERMINAL: &str = r#"
import os, pty, sys, time, signal
pid, fd = pty.fork()
def exists(path):
    while not os.path.exists(path):
        time.sleep(0.01)
def touch(path):
    open(path, "w").close()
if pid == 0:
    # a shell with job control, as small as it can be
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    job = os.fork()
    if job == 0:
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        os.execvp(sys.argv[2], sys.argv[2:])
    while True:
        _, status = os.waitpid(job, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            os._exit(os.waitstatus_to_exitcode(status))
        os.tcsetpgrp(0, os.getpid())
        touch("../stopped")
        exists("../go")
        os.tcsetpgrp(0, job)
        os.kill(-job, signal.SIGCONT)
        touch("../gone")
def lines(count):
    while True:
        text = open("../got").read().split() if os.path.exists("../got") else []
        if len(text) >= count:
            break
        time.sleep(0.01)
    # whoever passes it on has had the time to
    time.sleep(1.2)
    return open("../got").read().split()
def state(process):
    if not os.path.exists(f"/proc/{process}"):
        return "X"
    return open(f"/proc/{process}/stat").read().rsplit(")", 1)[1].split()[0]
exists("../ready")
command = int(open("../children").read())
os.write(fd, b"\x03")
print(lines(1))
if sys.argv[1] == "one":
    os.kill(command, signal.SIGTERM)
    while state(command) not in "ZX":
        time.sleep(0.01)
    sys.exit()
os.write(fd, b"\x03")
print(lines(2))
os.write(fd, b"\x1a")
exists("../stopped")
while state(command) != "T":
    time.sleep(0.01)
touch("../go")
exists("../gone")
while state(command) == "T":
    time.sleep(0.01)
os.write(fd, b"\x1c")
print(lines(3))
os.kill(command, signal.SIGTERM)
while True:
    try:
        if not os.read(fd, 1000):
            break
    except OSError:
        break
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

#[test]
fn a_terminal_reaches_the_command_once() {
    // git dies of a second one before its child does, and the terminal goes with it
    let cases = [
        (
            &["all", "git-ledger"][..],
            "['INT']\n['INT', 'INT']\n['INT', 'INT', 'QUIT']\n9\n",
        ),
        (&["one", "git", "ledger"], "['INT']\n"),
    ];
    for (words, expected) in cases {
        let world = world();
        let listener = format!("echo $$ > ../children; {LISTENER}");
        let mut command = world.command("r", "python3");
        command.args(["-c", TERMINAL]).args(words);
        command.args(["run", "-q", "--", "sh", "-c", &listener]);
        let said = finish(command, b"").code(0);
        assert_eq!(said.out, expected, "{words:?} {said}");
    }
}
