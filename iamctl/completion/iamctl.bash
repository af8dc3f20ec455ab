# bash completion for iamctl. The words come from iamctl itself, so that they
# always match the operations that this version has.
_iamctl()
{
	local line=${COMP_LINE:0:COMP_POINT} cur prefix words

	# As iamctl will see them: COMP_WORDS are split at = and : as well.
	read -ra words <<<"$line"
	[[ $line != *[[:space:]] ]] || words+=("")
	words=("${words[@]:1}")
	cur=${words[-1]}
	mapfile -t COMPREPLY < <(iamctl --complete "${words[@]}" 2>/dev/null)
	[[ ${#COMPREPLY[@]} -eq 0 ]] || return
	# A file name where a value may be one. bash replaces what is behind the colon.
	if [[ $cur == *file://* ]]; then
		prefix=//
		[[ $COMP_WORDBREAKS == *:* ]] || prefix=${cur%%//*}//
		mapfile -t COMPREPLY < <(compgen -f -P "$prefix" -- "${cur#*file://}")
	elif [[ ${#words[@]} -ge 2 && ${words[-2]} == --outfile ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	fi
}
complete -F _iamctl iamctl
