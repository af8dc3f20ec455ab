# shellcheck shell=bash
# What the end-to-end tests share. They run as root in a throw-away Debian.
# A test speaks TAP; with DEMO=1 it tells a story to a person instead.
set -u
export LC_ALL=C.UTF-8
tests=0 failures=0
work=$(mktemp -d)
out=$work/out
uptime0=$(cut -d. -f1 /proc/uptime)
real0=$(($(date +%s) - $(cat /etc/faketimerc 2>/dev/null || echo 0)))
bold='' green='' red='' plain=''
if [ -n "${DEMO:-}" ] && [ -t 1 ]; then
	bold=$'\e[1m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
fi

step() { # NUMBER TITLE
	if [ -n "${DEMO:-}" ]; then printf '\n%s%s. %s%s\n\n' "$bold" "$1" "$2" "$plain"
	else printf '# %s. %s\n' "$1" "$2"; fi
	number=$1
}

tell() { # TEXT: what the demo is about to show
	[ -z "${DEMO:-}" ] || printf '%s\n' "$*" | fold -s -w 92 | sed 's/^/   /; s/ *$//'
}

verdict() { # STATUS DESCRIPTION
	tests=$((tests + 1))
	if [ "$1" -eq 0 ]; then
		if [ -n "${DEMO:-}" ]; then printf '   %s✓%s %s\n' "$green" "$plain" "$2"
		else printf 'ok %d - %s: %s\n' "$tests" "${number:-0}" "$2"; fi
		return
	fi
	failures=$((failures + 1))
	if [ -n "${DEMO:-}" ]; then printf '   %s✗ %s%s\n' "$red" "$2" "$plain"
	else printf 'not ok %d - %s: %s\n' "$tests" "${number:-0}" "$2"; fi
	tail -n 25 "$out" 2>/dev/null | sed 's/^/#   /'
}

quoted() { # WORD...: as a person would type them
	local word
	for word; do
		case $word in
		*[!A-Za-z0-9_./:=@,%+~-]*) printf " '%s'" "$word" ;;
		*) printf ' %s' "$word" ;;
		esac
	done
}
show() { # what the person types, in the demo: not how the test answers for her
	[ -n "${DEMO:-}" ] || return 0
	case $1 in
	ssh_as) set -- ssh "$2@host" "${@:5}" ;;
	talk)
		while [ "$1" != -- ]; do shift; done
		shift ;;
	lena_su) set -- su "${@:2}" ;;
	esac
	[ "${*: -1}" != true ] || set -- "${@:1:$#-1}"
	printf '   $%s\n' "$(quoted "$@")"
}
shown() {
	[ -z "${DEMO:-}" ] ||
		sed -e 's/\x1b\[[0-9;?]*[A-Za-z]//g; s/\x1b\][^\a]*\a//g; s/\r//g; s/ *$//' \
			-e '/^$/d; /^Warning: Permanently added/d; /^spawn /d; s/^/     /' "$out"
}

# A command of the story comes in four forms. All leave its output in $out.
run() { # DESCRIPTION COMMAND...: must work
	local what=$1 status=0
	shift
	show "$@"
	"$@" >"$out" 2>&1 </dev/null || status=$?
	verdict "$status" "$what"
	return "$status"
}
look() { # the same, and a person wants to see the output
	local what=$1 status=0
	shift
	show "$@"
	"$@" >"$out" 2>&1 </dev/null || status=$?
	shown
	verdict "$status" "$what"
	return "$status"
}
check() { # the same, and nobody would type the command
	local what=$1 status=0
	shift
	"$@" >"$out" 2>&1 </dev/null || status=$?
	verdict "$status" "$what"
	return "$status"
}
fails() { # COMMAND...: ended by itself, and not well
	local status=0
	"$@" </dev/null || status=$?
	case $status in 0 | 97 | 124 | 126 | 127) echo "status $status"; return 1 ;; esac
}
refused() { # DESCRIPTION COMMAND...: must fail
	local what=$1 status=0
	shift
	show "$@"
	fails "$@" >"$out" 2>&1 || status=$?
	shown
	verdict "$status" "$what"
}
all() { # FUNCTION...: at the same time; all must work
	local f status=0 jobs=()
	for f; do
		"$f" >"$work/all.$f" 2>&1 </dev/null &
		jobs+=("$!")
	done
	for f; do
		wait "${jobs[0]}" || { status=1; echo "$f failed:"; cat "$work/all.$f"; }
		jobs=("${jobs[@]:1}")
	done
	return "$status"
}
has() { # DESCRIPTION PATTERN: the last output has it
	grep -qE -- "$2" "$out"
	verdict $? "$1"
}
hasnt() {
	! grep -qE -- "$2" "$out"
	verdict $? "$1"
}
member() { # NAME: a member of the JSON in the last output
	sed -n "s/^ *\"$1\": \"\(.*\)\",\{0,1\}$/\1/p" "$out" | head -n 1
}
finish() {
	cd /
	rm -rf "$work"
	if [ -n "${DEMO:-}" ]; then
		printf '\n%s%d of %d claims of the story held.%s\n' "$bold" $((tests - failures)) "$tests" "$plain"
	else
		printf '1..%d\n' "$tests"
	fi
	[ "$failures" -eq 0 ]
}

# ---- clock (see ../testbed/README.md) ----
real_now() { echo $((real0 + $(cut -d. -f1 /proc/uptime) - uptime0)); }
at() { # TIME: the clock shows this now, and runs on
	printf '%+d\n' $(($(date -u -d "$1" +%s) - $(real_now))) >/etc/faketimerc
}
later() { # SECONDS
	local now
	now=$(date +%s)
	printf '%+d\n' $((now + $1 - $(real_now))) >/etc/faketimerc
}
clock() { # the clock, for a person
	tell "The clock says $(date -u '+%A %H:%M:%S')."
}
freeze() { # TIME: the clock stands still
	printf '%s\n' "$(date -u -d "$1" '+%Y-%m-%d %H:%M:%S')" >/etc/faketimerc
}

# ---- people ----
seed_of() { cat "/root/seed.$1"; }
code() { oathtool --totp -b "$(seed_of "$1")" -N "@$(date +%s)"; }
fresh_code() { # a code of a step that nobody used: the clock goes one step on
	later 31
	code "$1"
}

sshd_start() {
	mkdir -p /run/sshd
	/usr/sbin/sshd -o PidFile=/run/sshd.pid -o LogLevel=VERBOSE "$@"
	for _ in $(seq 100); do
		ssh-keyscan -p 22 host 127.0.0.1 >/etc/ssh/ssh_known_hosts 2>/dev/null && return 0
	done
	return 1
}
sshd_stop() {
	local pid
	pid=$(cat /run/sshd.pid 2>/dev/null) || return 0
	kill "$pid"
	while kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
}
sshd_restart() { sshd_stop; sshd_start "$@"; }

ssh_opts=(-o NumberOfPasswordPrompts=1)
by_prompt=(-o PreferredAuthentications=keyboard-interactive)
talk() { # SECONDS PATTERN ANSWER ... -- COMMAND
	/e2e/talk.exp "$@"
}
ssh_as() { # USER PASSWORD CODE [COMMAND...]
	local user=$1 password=$2 code=$3
	shift 3
	talk 40 'Password: $' "$password" 'Verification code: $' "$code" -- \
		ssh -tt "${by_prompt[@]}" "${ssh_opts[@]}" "$user@host" "${@:-true}"
}

# USER [PASSWORD]: an IAM user with password and device; the seed in /root/seed.USER
make_user() {
	local user=$1 password=${2:-"Correct horse 1"} now seed
	iamctl create-user --user-name "$user" >/dev/null &&
		printf '%s\n' "$password" |
		iamctl create-login-profile --user-name "$user" --password-stdin >/dev/null &&
		enroll "$user"
}
enroll() { # USER
	local user=$1 now seed
	iamctl create-virtual-mfa-device --virtual-mfa-device-name "$user" \
		--bootstrap-method Base32StringSeed --outfile "/root/seed.$user" >"$work/mfa" 2>&1 || return 1
	now=$(date +%s)
	seed=$(seed_of "$user")
	iamctl enable-mfa-device --user-name "$user" \
		--serial-number "$(sed -n 's/.*"SerialNumber": "\(.*\)".*/\1/p' "$work/mfa")" \
		--authentication-code1 "$(oathtool --totp -b "$seed" -N "@$((now - 30))")" \
		--authentication-code2 "$(oathtool --totp -b "$seed" -N "@$now")"
}
allow() { # USER NAME JSON
	iamctl put-user-policy --user-name "$1" --policy-name "$2" --policy-document "$3"
}

# ---- those whom IAM leaves alone (S0) ----
local_account() { # the account lena, and root's own password
	useradd -m -s /bin/bash -G sudo lena
	echo 'lena:local secret' | chpasswd
	echo 'root:root secret' | chpasswd
}
lena_by_ssh() {
	talk 40 'assword: $' 'local secret' -- ssh -tt "${by_prompt[@]}" "${ssh_opts[@]}" lena@host true
}
lena_by_su() { su - lena -c true; }
lena_by_sudo() { talk 40 'lena: $' 'local secret' -- runuser -u lena -- sudo -k -p 'lena: ' true; }
root_on_console() { talk 40 'login: $' root 'assword: $' 'root secret' '# $' exit -- login; }
local_people_go_on() { # [WHEN]
	check "S0: root on the console, and ssh, su and sudo of a local account go on${1:+ $1}" \
		all root_on_console lena_by_ssh lena_by_su lena_by_sudo
}
