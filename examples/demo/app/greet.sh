echo "$GREETING, on $(uname -s), as user $(id -u), in $(pwd):"
cat squares.txt
