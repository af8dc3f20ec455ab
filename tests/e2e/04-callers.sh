#!/bin/bash
# Programs that are not root: a screen locker run by its user, a service in the
# configured group, an ordinary user with bad intentions (S30 to S34, S36).
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

helper=/usr/lib/host-iam/iam-chkauth
anything='{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"host:*","Resource":"*"}}'

# USER COMMAND...: with that user's ids and groups and no session. (setpriv does
# not fork: libfaketime would find the semaphore of its process id to be root's.)
cat >"$work/as" <<'PY'
#!/usr/bin/python3
import os, pwd, subprocess, sys
p = pwd.getpwnam(sys.argv[1])
sys.exit(subprocess.run(sys.argv[2:], user=p.pw_uid, group=p.pw_gid,
    extra_groups=os.getgrouplist(p.pw_name, p.pw_gid), cwd="/").returncode)
PY
chmod +x "$work/as"
# What xscreensaver, i3lock and their like do: authenticate the user who runs them.
lock() { # RUNAS SERVICE USER ANSWERS...: pamtester as that person
	local as=$1 service=$2 user=$3
	shift 3
	talk 30 "$@" -- "$work/as" "$as" pamtester "$service" "$user" authenticate acct_mgmt
}
answers() { # PASSWORD CODE
	set -- 'Password: $' "$1" 'Verification code: $' "$2"
	printf '%s\0' "$@"
}
try_lock() { # RUNAS SERVICE USER PASSWORD CODE
	local a
	mapfile -d '' a < <(answers "$4" "$5")
	lock "$1" "$2" "$3" "${a[@]}"
}
request() { # USER PASSWORD CODE: what the helper reads
	python3 - "$@" <<'PY'
import struct, sys
user, password, code = sys.argv[1:]
for text in (user, "locker", "tty1", "", password, code):
    sys.stdout.buffer.write(struct.pack("<I", len(text)) + text.encode() + b"\0")
PY
}
ask() { # RUNAS MODE USER PASSWORD CODE: the helper itself; its status
	request "$3" "$4" "$5" | "$work/as" "$1" "$helper" "$2"
}
answered() { # DESCRIPTION STATUS ask-ARGS...
	local what=$1 want=$2 status=0
	shift 2
	ask "$@" >"$out" 2>&1 || status=$?
	[ "$status" -eq "$want" ] || echo "status $status, not $want" >>"$out"
	verdict $((status != want)) "$what"
}

step 0 "A host with a screen locker and a service"
useradd -m -s /bin/bash lena
echo 'lena:local secret' | chpasswd
useradd --system --no-create-home -s /usr/sbin/nologin daemon1
useradd --system --no-create-home -s /usr/sbin/nologin daemon2
run "apt installs the packages" apt-get install -y /debs/libpam-iam_*.deb /debs/libnss-iam_*.deb /debs/iamctl_*.deb
for s in locker postgresql; do
	printf '@include common-auth\n@include common-account\n' >/etc/pam.d/$s
done
run "init" iamctl init --region eu-central-1
run "sarah, with a device" make_user sarah 'Correct horse 1'
run "may do everything" allow sarah All "$anything"
run "nils, who never logs in" make_user nils 'Correct horse 2'
run "may only use services" allow nils Services \
	'{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"host:Authenticate","Resource":"*","Condition":{"StringEquals":{"host:Service":"postgresql"}}}}'
run "the helper is setgid, not setuid (S30)" test "$(stat -c '%a %U %G' $helper)" = "2755 root iam-auth"

step 1 "sarah's screen locker"
rm -f "/run/iam/principal.$(id -u sarah)"
answered "before a login by root's side it cannot be decided" 119 sarah auth sarah 'Correct horse 1' "$(fresh_code sarah)"
run "she logs in once" su - sarah -c true
c=$(fresh_code sarah)
run "password and code unlock" try_lock sarah locker sarah 'Correct horse 1' "$c"
refused "the same code again does not (S33, S35)" try_lock sarah locker sarah 'Correct horse 1' "$c"
refused "a wrong password does not" try_lock sarah locker sarah 'Correct horse 2' "$(fresh_code sarah)"
refused "and not for su either" talk 20 'Password: $' 'Correct horse 1' 'Verification code: $' "$c" -- runuser -u lena -- su sarah -c true
mount -o remount,hidepid=invisible /proc
run "also where processes of others are hidden" try_lock sarah locker sarah 'Correct horse 1' "$(fresh_code sarah)"
mount -o remount,hidepid=off /proc
refused "another user's screen is not hers to unlock" try_lock sarah locker nils 'Correct horse 2' "$(fresh_code nils)"
run "lena's locker goes on with pam_unix" talk 20 'assword: $' 'local secret' -- runuser -u lena -- pamtester locker lena authenticate

step 2 "Nobody learns anything about others (S30)"
for name in nils root lena nobody-has-this-name; do
	answered "ask about $name" 112 sarah ask "$name" '' ''
	answered "auth of $name" 112 sarah auth "$name" 'Correct horse 2' 000000
done
answered "a service outside of the group is an ordinary user" 112 daemon1 auth sarah 'Correct horse 1' 000000

step 3 "A service in the configured group"
groupadd --system iam-services
usermod -aG iam-services daemon1
echo '{"helper": {"group": "iam-services"}}' >/etc/iam/iam.json
run "the setting is published" iamctl publish
# PostgreSQL has one prompt: the code comes behind the password.
run "nils gets in through the service, without ever having logged in" \
	talk 20 'verification code: $' "Correct horse 2$(fresh_code nils)" -- runuser -u daemon1 -- \
	pamtester postgresql nils authenticate acct_mgmt
run "the state that it made is the group's" test "$(stat -c '%a %G' "/run/iam/principal.$(id -u nils)")" = "660 iam-auth"
run "and closed to the service itself" sh -c "! runuser -u daemon1 -- cat /run/iam/principal.$(id -u nils)"
refused "the policies know the service: not through another one" \
	try_lock daemon1 locker nils 'Correct horse 2' "$(fresh_code nils)"
answered "a wrong password" 90 daemon1 auth sarah 'Correct horse 2' "$(fresh_code sarah)"
answered "looks like a name that nobody has (S8)" 90 daemon1 auth nobody-has-this-name x 000000
answered "and the questions do, too" 67 daemon1 ask nobody-has-this-name '' ''
answered "local accounts are not IAM's" 105 daemon1 auth lena 'local secret' ''
answered "nor is root" 105 daemon1 auth root x ''
answered "the other service is not in the group" 112 daemon2 auth sarah x ''
run "a login of root's moves what the helper left into the trail" su - sarah -c true
run "the trail has it, with the caller" sh -c "grep '\"Service\":\"postgresql\"' /var/log/iam/trail.jsonl | grep -q '\"CallerUid\":$(id -u daemon1)'"

step 4 "Guessing (S33)"
c=$(fresh_code sarah)
freeze "@$(date +%s)"
for _ in $(seq 12); do ask sarah auth sarah guess 000000 >/dev/null; done
answered "after eleven guesses the right answer is not looked at" 90 sarah auth sarah 'Correct horse 1' "$c"
run "get-login-status says from where" sh -c "iamctl get-login-status --user-name sarah | grep -q '\"Source\": \"uid $(id -u sarah)\"'"
answered "through the service she still gets in (S16)" 85 daemon1 auth sarah 'Correct horse 1' "$c"
run "unlock-user" iamctl unlock-user --user-name sarah
answered "the right answer is looked at again" 85 sarah auth sarah 'Correct horse 1' "$(fresh_code sarah)"
run "UnlockUser is in the trail" grep -q '"eventName":"UnlockUser"' /var/log/iam/trail.jsonl

step 5 "Whoever stops his su hinders nobody"
# lena answers wrongly and stops su at some moment while it judges, counts, writes events.
cat >/usr/local/bin/stopper <<'PY'
#!/usr/bin/python3
import os, pty, signal, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.execv("/bin/su", ["su", "sarah", "-c", "true"])
for answer in (b"guess\n", b"000000\n"):
    seen = b""
    while not seen.rstrip().endswith(b":"):
        seen += os.read(fd, 1000)
    os.write(fd, answer)
time.sleep(float(sys.argv[1]))
os.kill(pid, signal.SIGSTOP)
print(pid, flush=True)
os.read(0, 1)  # until it is over
PY
chmod +x /usr/local/bin/stopper
printf 'auth required pam_iam.so\naccount required pam_iam.so\n' >/etc/pam.d/console
stopped=0 in=0
for ms in 2 5 8 11 14 17 20 23 26 30 35 40; do
	coproc "$work/as" lena /usr/local/bin/stopper "0.0$(printf %02d "$ms")"
	read -r pid <&"${COPROC[0]}"
	grep -q '^State:.*stopped' "/proc/$pid/status" && stopped=$((stopped + 1))
	c=$(fresh_code sarah)
	talk 10 'Password: $' 'Correct horse 1' 'Verification code: $' "$c" -- \
		pamtester console sarah authenticate acct_mgmt >"$out" 2>&1 && in=$((in + 1))
	kill -9 "$pid"
	echo >&"${COPROC[1]}"
	wait "$COPROC_PID"
done
[ "$stopped" -gt 0 ]
verdict $? "su was stopped $stopped times of 12"
[ "$in" -eq 12 ]
verdict $? "sarah got in each time"
run "all of it is in the trail" iamctl validate-logs
run "nothing waits" sh -c '! ls /run/iam/spool | grep -q .'

step 6 "Which files the helper opens (S36)"
# Beside the list: libraries, time zones, and what libfaketime opens.
cat >"$work/allowed" <<'LIST'
/dev/null
/etc/group
/etc/host.conf
/etc/iam/seal.key
/etc/ld.so.cache
/etc/ld.so.preload
/etc/localtime
/etc/nsswitch.conf
/etc/passwd
/proc/self/stat
/run/iam
/run/iam/principal.UID
/run/iam/spool
/var/lib/iam/snapshot/private
/var/lib/iam/snapshot/public
/var/log/iam/trail.jsonl
LIST
request sarah 'Correct horse 1' 000000 >"$work/request"
cd /
strace -f -u sarah -e trace=open,openat,openat2,creat -o "$work/trace" "$helper" auth <"$work/request" >"$out" 2>&1
verdict $(($? != 90)) "strace -u runs it as her, with its group"
grep -o '"[^"]*"' "$work/trace" | tr -d '"' |
	grep -vE '^/(usr/)?lib/|^/usr/share/zoneinfo/|faketime|^\(null\)$|^/dev/shm/sem' |
	sed -E 's|^epoch$|/run/iam/epoch|; s|^principal\.[0-9]+$|/run/iam/principal.UID|; s|^/proc/[0-9]+/stat|/proc/self/stat|; s|^[0-9]{12,}.*\.new$|/run/iam/spool|; s|^session\..*|/run/iam|' |
	sort -u >"$work/opened"
comm -23 "$work/opened" "$work/allowed" >"$out"
verdict "$([ -s "$out" ]; echo $((1 - $?)))" "no file beyond the list"
cp "$work/opened" "$out"
has "the snapshot is among them" '^/var/lib/iam/snapshot/private$'
! grep -E '/home|/root|/tmp' "$work/opened" >"$out"
verdict $? "nothing in anyone's home"

finish
