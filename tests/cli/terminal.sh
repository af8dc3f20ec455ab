#!/bin/bash
# Secrets asked on a terminal: no echo, twice, and the echo comes back.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
new_account
run create-user --user-name ada

# Run iamctl on a terminal of its own, answer each prompt; prints what the
# terminal showed, whether it echoes afterwards, and the status.
cat >"$tmp/terminal.py" <<'P'
import os, pty, select, signal, sys, termios
answers = [a.encode().decode("unicode_escape").encode() for a in sys.argv[1].split("|")]
pid, fd = pty.fork()
if pid == 0:
    signal.signal(signal.SIGINT, signal.SIG_DFL) # ignored where the tests run behind a shell's &
    os.execv(sys.argv[2], sys.argv[2:])
seen, asked, echo = b"", 0, None
while True:
    ready, _, _ = select.select([fd], [], [], 20)
    try:
        chunk = os.read(fd, 4096) if ready else b""
    except OSError:
        chunk = b""
    if not ready:
        os.kill(pid, signal.SIGKILL)
    if not chunk:
        break
    seen += chunk
    while seen.count(b": ") > asked and asked < len(answers):
        echo = bool(termios.tcgetattr(fd)[3] & termios.ECHO)
        os.write(fd, answers[asked])
        asked += 1
try:
    after = bool(termios.tcgetattr(fd)[3] & termios.ECHO)
except termios.error:
    after = "?"
_, status = os.waitpid(pid, 0)
print(seen.decode(errors="replace").replace("\r", ""), end="")
print("asked %d, echo %s then %s, status %s" % (asked, echo, after,
    os.waitstatus_to_exitcode(status)))
P
on_terminal() { # ANSWERS ARGS...
	local answers=$1
	shift
	out=$(python3 "$tmp/terminal.py" "$answers" "$iamctl" "$@" 2>&1)
	status=0 err=
}

on_terminal 'Correct-horse-9\n|Correct-horse-9\n' create-login-profile --user-name ada
ok "a password is asked for twice" has "$out" "asked 2, echo False"
ok "in words" has "$out" "Password: "
ok "S9: and not shown" has_not "$out" Correct-horse
ok "it is taken" has "$out" "status 0"
on_terminal 'Battery-staple-7\n|Battery-stable-7\n' update-login-profile --user-name ada --password-stdin
ok "two answers that differ" has "$out" "the two answers differ"
ok "change nothing" has "$out" "status 252"
on_terminal '\x03' update-login-profile --user-name ada --password-stdin
ok "an interrupt ends it" has "$out" "status -2"
on_terminal '\x04' update-login-profile --user-name ada --password-stdin
ok "no answer is no password" has "$out" "status 252"
on_terminal 'x' create-virtual-mfa-device --virtual-mfa-device-name d
ok "a QR code is for a terminal" has "$out" "####  ##########"
run create-virtual-mfa-device --virtual-mfa-device-name e
ok "and not for a pipe" has_not "$out$err" "####"
finish
