# Prints the squares of 1..$1, and proves that .dockerignore was heeded.
[ ! -e password.secret ] || { echo "password.secret is in the build context" >&2; exit 1; }
number=1
while [ "$number" -le "$1" ]; do
    echo "$number squared is $((number * number))"
    number=$((number + 1))
done
