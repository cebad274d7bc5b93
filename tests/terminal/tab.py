"""What a shell shows when somebody types a line and presses TAB: tab.py SHELL LINE WANTED.

The shell runs on a terminal of its own with its own start-up files; what it shows in answer is
printed, without what paints it, as soon as it holds what is wanted.
"""

import os
import pty
import re
import select
import sys
import time

PAINT = re.compile(rb"\x1b(\[[0-9;?<>=]*[a-zA-Z]|\][^\x07\x1b]*(\x07|\x1b\\)|[()][A-Z0-9]|[=>])|[\x00\x07\x08\x0f]")


def read(terminal, until, seconds):
    """Everything that comes until `until` has been shown, or time is over."""
    said = b""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.3)[0]:
            try:
                chunk = os.read(terminal, 65536)
            except OSError:
                break
            said += chunk
            if until in PAINT.sub(b"", said):
                break
    return PAINT.sub(b"", said)


def main():
    shell, line, wanted = sys.argv[1:]
    start = {
        "bash": ["bash", "--noprofile", "-i"],
        "zsh": ["zsh", "-i"],
    }[shell]
    process, terminal = pty.fork()
    if process == 0:
        os.environ["TERM"] = "xterm"
        os.environ["COLUMNS"], os.environ["LINES"] = "160", "50"
        os.execvp(start[0], start)
    os.write(terminal, b"stty rows 50 cols 160; echo rea''dy\n")
    read(terminal, b"ready", 20)
    os.write(terminal, line.encode() + b"\t\t")
    said = read(terminal, wanted.encode(), 20)
    os.write(terminal, b"\x03")
    os.close(terminal)
    os.waitpid(process, 0)
    print(said.decode(errors="replace").replace("\r", "\n"))


main()
