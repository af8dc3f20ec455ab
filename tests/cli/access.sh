#!/bin/bash
# The week view, compared with drawings that a person has looked at
# (tests/cli/access/). With --update they are made anew: look at them again.
update=${1:-}
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
new_account
golden=tests/cli/access

drawn() { # FILE WANT
	[ "$update" != --update ] || cp "$1" "$golden/$2"
	diff "$golden/$2" "$1" >"$tmp/diff" && return
	head -n 20 "$tmp/diff" | sed 's/^/# /'
	return 1
}
view() { # NAME WANT ARGS...: text, and the SVG
	local name=$1 want=$2
	shift 2
	rm -f "$tmp/week.svg"
	run show-access "$@" --zone Europe/Berlin --outfile "$tmp/week.svg"
	ok "$name" drawn "$tmp/out" "$want.txt"
	ok "$name, 80 columns" is "$(awk 'length > 80' "$tmp/out")" ""
	ok "$name, as SVG" drawn "$tmp/week.svg" "$want.svg"
	ok "$name, well-formed" python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$tmp/week.svg"
}

"$iamctl" create-user --user-name bob --tags Key=department,Value=development >/dev/null
"$iamctl" attach-user-policy --user-name bob --policy-arn arn:aws:iam::aws:policy/HostLoginWithMFA
cat >"$tmp/shifts.json" <<'J'
{"Version": "2012-10-17", "Statement": [
  {"Sid": "Early", "Effect": "Allow", "Action": "host:Login", "Resource": "*", "Condition": {
    "TimeOfDayWithin": {"aws:CurrentTime": ["Mon-Fri 08:30-18:00 Europe/Berlin",
      "Sat 12:00-12:05 Europe/Berlin", "Fri 22:00-06:00 Europe/Berlin", "Sat 20:00-24:00 America/New_York"]}}},
  {"Sid": "Lunch", "Effect": "Deny", "Action": "host:Login", "Resource": "*", "Condition": {
    "TimeOfDayWithin": {"aws:CurrentTime": "Wed 12:00-13:00 Europe/Berlin"}}}]}
J
"$iamctl" put-user-policy --user-name bob --policy-name Shifts --policy-document "file://$tmp/shifts.json"

view "winter" winter --user-name bob --week-of 2026-11-24
view "25 hours" back --user-name bob --week-of 2026-10-25
view "23 hours" on --user-name bob --week-of 2026-03-29
view "an example before it is saved" night --policy-document file://policies/examples/night-shift.json \
	--week-of 2026-10-24
view "keys that are missing" office --policy-document file://policies/examples/office-network.json --week-of 2026-11-24
run show-access --policy-document file://policies/examples/office-network.json --week-of 2026-11-24 --source-ip 192.0.2.9
ok "from the office no code" has "$out" "always"
ok "and nothing is missing" has_not "$out" "missing"
cat >"$tmp/key.json" <<'J'
{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Action": "*", "Resource": "*"},
  {"Effect": "Deny", "Action": "host:Login", "Resource": "*", "Condition": {
    "Bool": {"aws:MultiFactorAuthPresent": "false"}}}]}
J
view "a hole for keys" key --policy-document "file://$tmp/key.json" --week-of 2026-11-24

run show-access --user-name bob --policy-document "file://$tmp/key.json" --in-place-of Shifts --week-of 2026-11-24
ok "a policy in place of another" has_not "$out" Early
ok "the others stay" has "$out" "gets in with a code only"
expect "no such policy" 254 "The user has no policy Nights" show-access --user-name bob \
	--policy-document "file://$tmp/key.json" --in-place-of Nights
expect "--in-place-of alone" 254 "needs the --policy-document" show-access --user-name bob --in-place-of Shifts
expect "nobody" 254 "Say whose access" show-access
expect "no such user" 254 NoSuchEntity show-access --user-name eve
expect "no day" 254 "is not a day" show-access --user-name bob --week-of 2026-13-45
window() { # ZONE: a policy
	printf '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"host:Login","Resource":"*","Condition":{"TimeOfDayWithin":{"aws:CurrentTime":"09:00-17:00 %s"}}}}' "$1"
}
expect "validate-policy warns of a zone unknown here" 0 UNKNOWN_TIME_ZONE \
	validate-policy --policy-document "$(window Europe/Berln)"
run validate-policy --policy-document "$(window Europe/Berlin)"
ok "and of no other" has_not "$out" UNKNOWN_TIME_ZONE
run put-user-policy --user-name bob --policy-name Zone --policy-document "$(window Europe/Berln)"
ok "so does saving it" has "$err" "knows no time zone Europe/Berln"
run delete-user-policy --user-name bob --policy-name Zone
expect "a window in a zone unknown here is told of" 0 "zone is not known" \
	show-access --week-of 2026-11-24 --output table --policy-document "$(window Mars/Olympus)"
expect "no zone" 254 "is not a time zone" show-access --user-name bob --zone Mars/Olympus
expect "no address" 254 "is not an address" show-access --user-name bob --source-ip web1
expect "the time is the view's own" 254 "aws:CurrentTime is not for --context-entries" show-access --user-name bob \
	--context-entries ContextKeyName=aws:CurrentTime,ContextKeyValues=2026-11-24T09:30:00Z
expect "a broken document" 254 "is not a valid policy" show-access --policy-document '{}'

run show-access --user-name bob --week-of 2026-11-24 --zone Europe/Berlin --output json
ok "JSON: exact to the second" is "$(value .Days.6.Access.1.From)-$(value .Days.6.Access.1.Until)" 02:00-06:00
ok "JSON: which statement" is "$(value .Reasons.1.MatchedStatements.0.Sid)" Early
run show-access --user-name bob --host web2 --week-of 2026-11-24
ok "another host" has "$out" "instance/web2"
run show-access --user-name bob --host arn:aws:host:us-east-1:123456789012:instance/web3 --week-of 2026-11-24
ok "a host of another region" has "$out" "arn:aws:host:us-east-1:123456789012:instance/web3"
run show-access --user-name bob --service sudo --week-of 2026-11-24
ok "the service's action" has "$out" "host:Sudo by bob"
run show-access --user-name bob --week-of 2026-11-24 --color on
ok "colour when asked for" has "$out" $'\033[33m'
finish
