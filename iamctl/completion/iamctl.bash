# bash completion for iamctl. The words come from iamctl itself, so that they
# always match the operations that this version has.
_iamctl()
{
	local cur words=("${COMP_WORDS[@]:1:COMP_CWORD}")

	cur=${COMP_WORDS[COMP_CWORD]}
	# bash splits --option=value at the sign; iamctl wants it whole.
	if [[ $COMP_CWORD -ge 2 && ${COMP_WORDS[COMP_CWORD]} == "=" ]]; then
		cur=
		words=("${COMP_WORDS[@]:1:COMP_CWORD-2}"
			"${COMP_WORDS[COMP_CWORD - 1]}=")
	elif [[ $COMP_CWORD -ge 3 && ${COMP_WORDS[COMP_CWORD - 1]} == "=" ]]; then
		words=("${COMP_WORDS[@]:1:COMP_CWORD-3}"
			"${COMP_WORDS[COMP_CWORD - 2]}=$cur")
	fi
	mapfile -t COMPREPLY < <(iamctl --complete "${words[@]}" 2>/dev/null)
	# A file name where a value may be one.
	if [[ ${#COMPREPLY[@]} -eq 0 ]]; then
		if [[ $cur == file://* ]]; then
			mapfile -t COMPREPLY < <(compgen -f -P file:// -- "${cur#file://}")
		elif [[ ${COMP_WORDS[COMP_CWORD - 1]} == --outfile ]]; then
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		fi
	fi
}
complete -F _iamctl iamctl
