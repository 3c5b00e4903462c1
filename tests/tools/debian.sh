# For redis and prometheus: programs of a release of Debian, from the mirror that this machine uses, unpacked into
# target/tools with all they need down to the C library, and run by their own loader. So they run on any Debian, side by
# side, without root; nothing is installed.

tools=$(cd "$(dirname "$0")/../.." && pwd)/target/tools
name=$(basename "$0")

fail() {
    echo "$name: $*" >&2
    exit 1
}

# apt, with all it knows in a folder of our own: private FOLDER COMMAND.
private() {
    state=$1
    shift
    mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$state/parts"
    touch "$state/status"
    "$@" -qq -o "Dir::State=$state" -o "Dir::State::lists=$state/lists" -o "Dir::State::status=$state/status" \
        -o "Dir::Cache=$state/cache" -o "Dir::Etc::sourcelist=$state/sources.list" \
        -o "Dir::Etc::sourceparts=$state/parts" -o "APT::Sandbox::User=" -o "Debug::NoLocking=true"
}

# The mirror of Debian among this machine's apt sources.
mirror() {
    apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Label: Debian' 'Created-By: Packages' | head -n 1
}

# fetch FOLDER RELEASE INSTEAD PACKAGE...: the packages, and with no package installed all that they need, into
# FOLDER/cache/archives. INSTEAD says what to do where that is not possible.
fetch() {
    folder=$1 release=$2 instead=$3
    shift 3
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
        fail "apt-get and dpkg-deb are needed to bring it; or $instead"
    uri=$(mirror)
    [ -n "$uri" ] || fail "apt knows no mirror of Debian; run: sudo apt-get update"
    mkdir -p "$folder"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $release main" >"$folder/sources.list"
    private "$folder" apt-get update || fail "$uri has no release $release; $instead"
    private "$folder" apt-get install --yes --download-only --no-install-recommends "$@" ||
        fail "the packages could not be fetched; run make $name again"
}

# unpack FOLDER HOME: all that was fetched.
unpack() {
    rm -rf "$2"
    mkdir -p "$2"
    for package in "$1"/cache/archives/*.deb; do
        dpkg-deb --extract "$package" "$2"
    done
}

# command_of HOME PROGRAM: a command in HOME that runs usr/bin/PROGRAM of it.
command_of() {
    cat >"$1/$2" <<'END'
#!/bin/sh
home=$(cd "$(dirname "$0")" && pwd)
set -- --library-path "$(echo "$home"/usr/lib/*-linux-gnu*):$(echo "$home"/lib/*-linux-gnu*)" "$home/usr/bin/$(basename "$0")" "$@"
for loader in "$home"/lib64/ld-linux-*.so.* "$home"/usr/lib64/ld-linux-*.so.* "$home"/lib/ld-linux-*.so.* "$home"/usr/lib/ld-linux-*.so.*; do
    [ -x "$loader" ] && exec "$loader" "$@"
done
echo "no loader in $home" >&2
exit 1
END
    chmod +x "$1/$2"
}
