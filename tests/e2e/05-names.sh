#!/bin/bash
# The name service and subordinate ids in a real Debian: through glibc, set-user-ID
# programs, shadow's tools, and what is there when nothing runs.
# packages: uidmap
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

is() { # DESCRIPTION WANT GOT
	printf 'want: %s\ngot:  %s\n' "$2" "$3" >"$out"
	[ "$2" = "$3" ]
	verdict $? "$1"
}

step 1 "Install, make an account and people"
useradd -m -s /bin/bash lena
run "apt installs the packages" apt-get install -y /debs/libpam-iam_*.deb /debs/libnss-iam_*.deb /debs/iamctl_*.deb \
	uidmap
cp /etc/nsswitch.conf "$work/nsswitch.installed"
run "no subid line by itself" sh -c "! grep -q '^subid:' /etc/nsswitch.conf"
run "init" iamctl init --region eu-central-1
run "sarah, with subordinate ids" iamctl create-user --user-name sarah --subordinate-ids
run "bob, without" iamctl create-user --user-name bob
run "a group" iamctl create-group --group-name crew
run "with her in it" iamctl add-user-to-group --group-name crew --user-name sarah
mkdir -p /home/sarah
chown sarah: /home/sarah

step 2 "Through glibc, in programs of every kind"
uid=$(id -u sarah)
is "S21: x, and no shadow entry" "x/" "$(getent passwd sarah | cut -d: -f2)/$(getent shadow sarah)"
is "a file's owner by name" sarah "$(stat -c %U /home/sarah)"
install -m 4755 "$(command -v id)" /usr/local/bin/setuid-id
install -m 4755 "$(command -v getent)" /usr/local/bin/setuid-getent
is "a set-user-ID program, run by a local account" "$uid/0" \
	"$(runuser -u lena -- setuid-getent passwd sarah | cut -d: -f3)/$(runuser -u lena -- setuid-id -u)"
is "and by an IAM user, with an environment that means harm" "$uid" \
	"$(runuser -u sarah -- env LD_LIBRARY_PATH=/tmp IAM_ROOT=/tmp setuid-getent passwd sarah | cut -d: -f3)"
is "groups of a running session" "sarah crew" "$(runuser -u sarah -- id -Gn)"
is "S19: nothing of ours runs" "" "$(pgrep -fl 'iam(ctl|-)' | grep -v 05-names)"
is "S19: and nothing is connected to" 0 \
	"$(strace -f -e trace=connect,socket getent -s iam passwd sarah 2>&1 >/dev/null | grep -cE 'connect|socket\(')"

step 3 "Subordinate ids with shadow's tools"
start=$(iamctl get-user --user-name sarah | sed -n 's/.*"SubordinateIdStart": \([0-9]*\).*/\1/p')
# The process whose ids are mapped is hers; newuidmap is set-user-ID root and asks libsubid.
cat >/usr/local/bin/map-ids <<'SH'
#!/bin/bash
coproc unshare -U cat
pid=$COPROC_PID
for _ in $(seq 500); do [ "$(readlink "/proc/$pid/ns/user")" = "$(readlink /proc/self/ns/user)" ] || break; sleep 0.01; done
newuidmap "$pid" 0 "$(id -u)" 1 1 "$1" "$2" && newgidmap "$pid" 0 "$(id -g)" 1 1 "$1" "$2" &&
	awk '{ print $1, $2, $3 }' "/proc/$pid/uid_map" "/proc/$pid/gid_map" | tr '\n' ','
s=$?
kill "$pid"
exit $s
SH
chmod 755 /usr/local/bin/map-ids
refused "off by default: newuidmap refuses" runuser -u sarah -- map-ids "$start" 65536
echo 'subid: iam' >>/etc/nsswitch.conf
is "getsubids" "0: sarah $start 65536" "$(getsubids sarah)"
is "newuidmap and newgidmap map all of them" "0 $uid 1,1 $start 65536,0 $uid 1,1 $start 65536," \
	"$(runuser -u sarah -- map-ids "$start" 65536 2>&1)"
refused "S26: not one more" runuser -u sarah -- map-ids "$start" 65537
refused "S26: not somebody else's" runuser -u sarah -- map-ids $((start + 65536)) 1
refused "S27: not root's" runuser -u sarah -- map-ids 0 1
refused "nor for who has none" runuser -u bob -- map-ids "$start" 1
run "they are given up" iamctl update-user --user-name sarah --no-subordinate-ids
refused "and are hers no more" runuser -u sarah -- map-ids "$start" 65536
run "the line goes" sed -i '/^subid:/d' /etc/nsswitch.conf
run "local ranges are as before" sh -c 'getsubids lena | grep -q "lena 100000 65536"'

step 4 "Removed"
run "the packages go" apt-get purge -y libpam-iam libnss-iam iamctl
run "nothing of it is left in nsswitch.conf" sh -c "! grep -w iam /etc/nsswitch.conf"
finish
