#!/bin/bash
# cron.sh USER ran|refused: does cron run a job of this user within its next minute?
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
user=$1 want=$2
mark=/tmp/cron-ran.$$
rm -f "$mark"
printf '* * * * * touch %s\n' "$mark" >"/var/spool/cron/crontabs/$user"
chown "$user:crontab" "/var/spool/cron/crontabs/$user"
chmod 600 "/var/spool/cron/crontabs/$user"
# The events so far; a new one of this job tells that it was decided.
before=$(grep -c '"eventName":"RunScheduled"' /var/log/iam/trail.jsonl)
# The clock goes to shortly before a minute ends: cron sleeps until then.
later $(((117 - $(date +%-S)) % 60))
cron -f &
daemon=$!
result=2
for _ in $(seq 200); do
	if [ "$(grep -c '"eventName":"RunScheduled"' /var/log/iam/trail.jsonl)" -gt "$before" ]; then
		result=0
		break
	fi
	sleep 0.1
done
if [ "$want" = ran ]; then
	for _ in $(seq 100); do [ -e "$mark" ] && break; sleep 0.1; done
	[ -e "$mark" ] || result=1
else
	[ ! -e "$mark" ] || result=1
fi
kill "$daemon"
rm -f "/var/spool/cron/crontabs/$user" "$mark"
exit "$result"
