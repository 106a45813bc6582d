# PostgreSQL: page checksums, scram, no Unix socket. It refuses to run as root, so root gives it to the package's user.
packages=(postgresql-15)

engine_up() {
  local bin as=() number
  bin=$(dirname "$(dpkg -L postgresql-15 | grep '/bin/initdb$')")
  number=$(port port)
  secret password >/dev/null
  if ((EUID == 0)); then
    as=(setpriv --reuid=postgres --regid=postgres --clear-groups)
    "${as[@]}" test -x "$PWD" || fail "postgresql: user postgres cannot enter $PWD: chmod o+x its parents, or name another folder"
  fi
  if [[ ! -s data/PG_VERSION ]]; then
    rm -rf data password.copy && mkdir data && cp password password.copy
    ((EUID != 0)) || chown postgres: data password.copy
    "${as[@]}" "$bin/initdb" -D "$PWD/data" -A scram-sha-256 -U pericard --pwfile="$PWD/password.copy" -E UTF8 --no-locale -k >initdb.log 2>&1 ||
      { rm -rf data; fail "postgresql: initdb failed, see $PWD/initdb.log"; }
    rm password.copy
  fi
  if ! runs postgres; then
    # Of a server that was killed: its number may live on as a zombie, and would be believed.
    # Its backends end by themselves; no other server may write before they have.
    until_none_in data
    rm -f data/postmaster.pid
    daemon postgres "${as[@]}" "$bin/postgres" -D "$PWD/data" -p "$number" \
      -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200
    until_ready postgres "$bin/pg_isready" -q -h 127.0.0.1 -p "$number"
  fi
  printf '{"host": "127.0.0.1", "port": %s, "user": "pericard", "passwordFile": "%s", "database": "postgres", "pids": [%s]}' \
    "$number" "$PWD/password" "$(pid_of postgres)"
}

# Waits until no process has the folder $1 as its working directory, as every process of a server has.
until_none_in() {
  local end=$((SECONDS + 30)) folder=$PWD/$1
  while [[ -n $(find /proc -maxdepth 2 -name cwd -lname "$folder" 2>/dev/null) ]]; do
    ((SECONDS < end)) || fail "postgresql: processes of a server that was killed still run in $folder"
    sleep 0.1
  done
}
