//! `nettwin sh`, where nobody has a terminal and where somebody has.

use crate::harness::{Place, example};

#[test]
fn lines_are_run_as_they_come() {
    let place = Place::new();
    let lines = "ip netns add a\nip netns\nip link | cat\nip netns exec a bash\nip link set lo up\nping -c1 127.0.0.1 | x\n\
                 ping -q -c3 127.0.0.1 && echo yes\nexit\nip -br link\nfalse\n";
    let run = place.run_with(&["sh"], lines).exits(1);
    assert!(run.out.starts_with("a\n") && run.out.contains("3 received") && run.out.contains("\nyes\n"), "{}", run.out);
    assert!(
        run.out.ends_with("lo               UNKNOWN        00:00:00:00:00:00 <LOOPBACK,UP,LOWER_UP> \n"),
        "{}",
        run.out
    );
    assert!(run.err.contains("line 3: a pipe needs a shell") && run.err.contains("line 6: a pipe"), "{}", run.err);
    place.run_with(&["sh"], "true\nexit 7\nfalse\n").exits(7);
    place.run_with(&["sh"], "bash\n").exits(127).says("there is no such command here");
}

#[test]
fn a_topology_is_there_from_the_beginning() {
    let place = Place::new();
    let lines = "ip netns exec h1 ping -c1 192.168.1.2\nip -br link";
    let run = place.run_with(&["sh", &example("02-bridge-three-hosts.toml")], lines).exits(0);
    assert!(run.out.contains(" 0% packet loss") && run.out.contains("lo  "), "{}", run.out);
    place.run_with(&["sh", "absent.toml"], "").exits(1).says("absent.toml");
}

/// In a terminal: the prompt says where one is, a tab completes, an interrupt ends a command.
#[test]
#[cfg(target_os = "linux")]
fn on_a_terminal_there_is_a_prompt() {
    let place = Place::new();
    let python = r#"
import os, pty, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    os.execv(sys.argv[1], [sys.argv[1], "sh", sys.argv[2]])
said = b""
def until(text):
    global said
    end = time.time() + 60
    while text not in said:
        if time.time() > end:
            sys.exit("no %r in %r" % (text, said))
        said += os.read(fd, 4096)
    said = said.split(text, 1)[1]
until(b"host# ")
os.write(fd, b"ip netns exec h1 bas")
os.write(fd, b"h\r")
until(b"h1# ")
os.write(fd, b"ip -br addr show dev et\t\r")
until(b"192.168.1.1/24")
until(b"h1# ")
os.write(fd, b"ping 192.168.1.2\r")
until(b"icmp_seq=2 ")
os.write(fd, b"\x03")
until(b"packets transmitted")
until(b"h1# ")
os.write(fd, b"\x04")
until(b"host# ")
os.write(fd, b"exit 3\r")
pid, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status))
"#;
    let mut command = place.program(std::path::Path::new("python3"));
    command.args(["-c", python]).arg(place.binary()).arg(example("02-bridge-three-hosts.toml"));
    command.env("XDG_STATE_HOME", &place.dir);
    let run = match command.output() {
        Ok(run) => run,
        Err(e) => return crate::harness::lacks(&format!("python3: {e}")),
    };
    assert_eq!(run.status.code(), Some(3), "{}", String::from_utf8_lossy(&run.stderr));
    let history = std::fs::read_to_string(place.dir.join("nettwin/history")).expect("a history");
    assert!(history.contains("ping 192.168.1.2\n"), "{history}");
}
