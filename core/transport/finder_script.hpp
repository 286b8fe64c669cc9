#pragma once

// The texts that finder.cpp puts together, for any POSIX shell (dash, bash, ksh, busybox). They
// call nothing but the shell's own commands and the Pythons they look at. `start` is defined by
// finder.cpp: it becomes the Python that it is given.
namespace elsewhere::transport::script {

// Shared by all: `places f` and `path f` call f with every directory in which Pythons are kept;
// `look` adds those of one to $found, and asks `consider`; `none` ends. `shim` becomes the Python
// that a version manager's shim stands for: pyenv's takes 50 ms to say which, so its files are
// read.
inline constexpr const char *common = R"sh(
places() {
    for d in /usr/bin /usr/local/bin "$HOME"/.local/bin /opt/homebrew/bin \
        "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin /opt/*/bin /usr/local/*/bin \
        "$HOME"/.local/share/uv/python/*/bin \
        "$HOME"/*conda*/bin "$HOME"/*conda*/envs/*/bin "$HOME"/*forge*/bin "$HOME"/*forge*/envs/*/bin \
        "$HOME"/.conda/envs/*/bin /opt/*conda*/envs/*/bin /opt/*forge*/envs/*/bin; do
        if [ -d "$d" ]; then "$1" "$d"; fi
    done
}
path() {
    rest=$PATH:
    while [ -n "$rest" ]; do
        d=${rest%%:*}
        rest=${rest#*:}
        case $d in '' | /bin | /sbin) ;; *) "$1" "$d" ;; esac
    done
}
version() {
    v=$("$1" -V 2>&1 </dev/null) || v=
    case $v in *PyPy*) v= ;; 'Python '[0-9]*) v=${v#Python } ;; *) v= ;; esac
    v=${v%%[!0-9.]*}
}
number() {
    t=$1.0.0
    n=${t%%.*}
    t=${t#*.}
    n=$((n * 1000000 + ${t%%.*} * 1000))
    t=${t#*.}
    n=$((n + ${t%%.*}))
}
best=-1 found= choice=
look() {
    case $1 in */shims) return 0 ;; esac
    for p in "$1"/python3 "$1"/python3.[0-9] "$1"/python3.[0-9][0-9] "$1"/python "$1"/python2.7; do
        if [ -x "$p" ] && [ ! -d "$p" ]; then
            version "$p"
            case $found in *" $v $1/"*) v= ;; esac
            if [ -n "$v" ]; then
                found="$found $v $p,"
                number "$v"
                consider "$p"
            fi
        fi
    done
}
consider() { :; }
fits() {
    case $1 in */shims/*) return 1 ;; esac
    if [ ! -x "$1" ] || [ -d "$1" ]; then return 1; fi
    version "$1"
    number "${v:-0}"
    [ $n -ge $low ] && [ $n -lt $high ]
}
shim() {
    v=${PYENV_VERSION-}
    d=$PWD
    while [ -z "$v" ] && [ -n "$d" ]; do
        if [ -r "$d/.python-version" ]; then read -r v <"$d/.python-version"; fi
        d=${d%/*}
    done
    p=${1%/shims/*}
    if [ -z "$v" ] && [ -r "$p/version" ]; then read -r v <"$p/version"; fi
    p=$p/versions/${v%%:*}/bin/${1##*/}
    if [ -n "$v" ] && [ -x "$p" ]; then start "$p"; fi
    if "$1" -V >/dev/null 2>&1 </dev/null; then start "$1"; fi
}
none() {
    if [ -z "$found" ]; then
        path look
        places look
    fi
    printf '%s\n' "elsewhere: no $1; found:${found:- nothing,}" >&2
    exit 123
}
)sh";

inline constexpr const char *any = R"sh(
p=$(command -v python3) || p=
case $p in
*/shims/*) shim "$p" ;;
/*) start "$p" ;;
esac
consider() { start "$1"; }
places look
path look
none 'Python here'
)sh";

// After `before=`: what it put first on PATH, which may be called `python` only.
inline constexpr const char *any_after_before = R"sh(
consider() { start "$1"; }
try() {
    for p in "$1"/python3 "$1"/python; do
        if [ -x "$p" ] && [ ! -d "$p" ]; then
            case $p in */shims/*) shim "$p" ;; *) start "$p" ;; esac
        fi
    done
}
path try
places look
none 'Python here'
)sh";

// $low, $high, $newest, $wish and, of one minor version, $minor are set.
inline constexpr const char *by_version = R"sh(
consider() {
    if [ $n -lt $low ] || [ $n -ge $high ]; then return 0; fi
    if [ -z "$newest" ]; then start "$1"; fi
    if [ $n -gt $best ]; then best=$n choice=$1; fi
}
if [ -n "$newest" ]; then
    p=$(command -v python3) || p=
    if fits "$p"; then start "$p"; fi
elif [ -n "$minor" ]; then
    p=$(command -v "python$minor") || p=
    for p in "$p" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$minor".*/bin/python \
        "/usr/bin/python$minor" "/usr/local/bin/python$minor"; do
        if fits "$p"; then start "$p"; fi
    done
fi
path look
places look
if [ -n "$choice" ]; then start "$choice"; fi
none "Python $wish here"
)sh";

// $name is set.
inline constexpr const char *by_name = R"sh(
p=$(command -v "$name") || p=
case $p in
*/shims/*) shim "$p" ;;
/*) start "$p" ;;
esac
try() { if [ -x "$1/$name" ] && [ ! -d "$1/$name" ]; then start "$1/$name"; fi; }
places try
none "$name here"
)sh";

// $name is set.
inline constexpr const char *by_path = R"sh(
if [ -x "$name" ] && [ ! -d "$name" ]; then start "$name"; fi
none "Python at $name"
)sh";

// The shortcuts; `become` of finder.cpp stands behind them, with the Python in $p.
inline constexpr const char *at_path = R"(p=$1; if [ -f "$p" ] && [ -x "$p" ]; then )";
inline constexpr const char *on_path =
    R"(IFS=:; for d in $PATH; do p=$d/$1; if [ -f "$p" ] && [ -x "$p" ]; then )"
    R"(case $d in */shims) break ;; /*) ;; *) break ;; esac; )";

// $before is set, standard input and output are kept in 3 and 4. The profile may have set anything;
// conda and mamba are functions that many a profile defines for interactive shells alone.
inline constexpr const char *run_before = R"sh(
set +eu
unset IFS
shopt -u failglob nullglob 2>/dev/null || :
trap 'code=$?; trap - EXIT; echo "elsewhere: before= ended with exit code $code" >&2; exit 124' EXIT
tool=${before%%[ ;]*}
case $tool in conda | mamba)
    case $(command -v "$tool") in
    "$tool") ;;
    *)
        for d in "$HOME"/*conda* "$HOME"/*forge* /opt/*conda* /opt/*forge*; do
            if [ -r "$d/etc/profile.d/$tool.sh" ]; then
                . "$d/etc/profile.d/conda.sh"
                if [ "$tool" = mamba ]; then . "$d/etc/profile.d/mamba.sh"; fi
                break
            fi
        done ;;
    esac ;;
esac
eval "$before"
code=$?
if [ $code != 0 ]; then
    trap - EXIT
    echo "elsewhere: before= ended with exit code $code" >&2
    exit 124
fi
trap - EXIT
exec <&3 >&4 3<&- 4>&-
)sh";

} // namespace elsewhere::transport::script
