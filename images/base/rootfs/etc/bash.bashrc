# For interactive shells of everybody in this image. A person's own ~/.bashrc comes after it.
[ -z "$PS1" ] && return
shopt -s checkwinsize
PS1='\[\e]0;\w\a\]\[\e[1;32m\]\u@\h\[\e[0m\]:\[\e[1;34m\]\w\[\e[0m\]\$ '
