# shellcheck shell=bash
# The shell that the demo hands over.
cd /root || exit
PS1='\[\e[1m\]root@host\[\e[0m\]:\w# '
# What an authenticator app shows: a code is good once, the next comes 30 seconds later.
code() { oathtool --totp -b "$(cat "/root/seed.${1:-sarah}")" -N "@$(date +%s)"; }
. /usr/share/bash-completion/completions/iamctl
cat <<TEXT

This shell is root's on the host of the story. Its clock says $(date -u '+%A %H:%M'), and only on Tuesdays may
sarah do more than log in and use sudo.

   ssh sarah@host                                  password: Battery staple 2
   code sarah                                      her code, as her telephone would show it
   getent passwd sarah; id sarah
   iamctl list-users --output table                Tab completes operations and options
   iamctl lookup-events --output table             what happened
   iamctl simulate-principal-policy help           what would happen
   iamctl help; man pages are in the packages

exit ends it, and nothing of it remains.

TEXT
