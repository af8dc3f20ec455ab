# shellcheck shell=bash
# The shell that the demo hands over.
cd /root || exit
PS1='\[\e[1m\]root@host\[\e[0m\]:\w# '
. /usr/share/bash-completion/completions/iamctl
# What an authenticator app shows. A code is good once: this waits for the next
# one rather than print one again.
code() {
	local user=${1:-sarah} step
	step=$(($(date +%s) / 30))
	if [ "$(cat "/run/shown.$user" 2>/dev/null)" = "$step" ]; then
		echo "the next code comes in $((30 - $(date +%s) % 30)) seconds" >&2
		while [ $(($(date +%s) / 30)) -eq "$step" ]; do sleep 1; done
		step=$((step + 1))
	fi
	echo "$step" >"/run/shown.$user"
	oathtool --totp -b "$(cat "/root/seed.$user")" -N "@$((step * 30))"
}
cat <<TEXT

This shell is root's on the host of the story, with sarah, bob and the local account lena. It is
$(date -u '+%A %H:%M') there. Try:

   ssh sarah@host                                  password: Battery staple 2
   code sarah                                      her code, as her telephone would show it
   getent passwd sarah; id sarah
   iamctl list-users --output table                Tab completes operations and options
   iamctl lookup-events --output table             what happened
   iamctl simulate-principal-policy help           what would happen
   iamctl help                                     all the rest

exit ends it, and nothing of it remains.

TEXT
