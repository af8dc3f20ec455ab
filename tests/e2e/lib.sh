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
	if [ -n "${DEMO:-}" ]; then printf '\n%s%s. %s%s\n' "$bold" "$1" "$2" "$plain"
	else printf '# %s. %s\n' "$1" "$2"; fi
	number=$1
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

show() { # what the person types, in the demo
	[ -z "${DEMO:-}" ] || printf '   $ %s\n' "$*"
}
shown() {
	[ -z "${DEMO:-}" ] || sed 's/\r$//; s/^/     /' "$out"
}

run() { # DESCRIPTION COMMAND...: must work; output in $out
	local what=$1 status=0
	shift
	show "$@"
	"$@" >"$out" 2>&1 </dev/null || status=$?
	verdict "$status" "$what"
	return "$status"
}
look() { # the same, and a person wants to see the output
	run "$@"
	local status=$?
	shown
	return "$status"
}
refused() { # DESCRIPTION COMMAND...: must fail
	local what=$1 status=0
	shift
	show "$@"
	"$@" >"$out" 2>&1 </dev/null || status=$?
	case $status in 0 | 97 | 124 | 126 | 127) verdict 1 "$what (status $status)" ;; *) verdict 0 "$what" ;; esac
}
has() { # DESCRIPTION PATTERN: the last output has it
	grep -qE -- "$2" "$out"
	verdict $? "$1"
}
hasnt() {
	! grep -qE -- "$2" "$out"
	verdict $? "$1"
}
finish() {
	rm -rf "$work"
	if [ -n "${DEMO:-}" ]; then
		printf '\n%d of %d steps of the story went as told.\n' $((tests - failures)) "$tests"
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
		ssh-keyscan -p 22 127.0.0.1 >/dev/null 2>&1 && return 0
	done
	return 1
}
sshd_stop() {
	[ ! -e /run/sshd.pid ] || kill "$(cat /run/sshd.pid)"
	while [ -e /run/sshd.pid ] && kill -0 "$(cat /run/sshd.pid)" 2>/dev/null; do :; done
}

ssh_opts=(-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=INFO
	-o NumberOfPasswordPrompts=1)
by_prompt=(-o PreferredAuthentications=keyboard-interactive)
talk() { # SECONDS PATTERN ANSWER ... -- COMMAND
	/e2e/talk.exp "$@"
}
ssh_as() { # USER PASSWORD CODE [COMMAND...]
	local user=$1 password=$2 code=$3
	shift 3
	talk 40 'Password: $' "$password" 'Verification code: $' "$code" -- \
		ssh -tt "${by_prompt[@]}" "${ssh_opts[@]}" "$user@127.0.0.1" "${@:-true}"
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
