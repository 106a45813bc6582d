# A PKCS#11 token in software: a library and a folder, no process.
packages=(softhsm2)

engine_up() {
  local module
  module=$(dpkg -L libsofthsm2 | grep 'libsofthsm2.so$' | head -n 1)
  printf 'directories.tokendir = %s\nlog.level = ERROR\n' "$PWD/tokens" >softhsm2.conf
  if [[ ! -d tokens ]]; then
    mkdir tokens
    SOFTHSM2_CONF=$PWD/softhsm2.conf softhsm2-util --init-token --free --label pericard \
      --so-pin "$(secret so-pin)" --pin "$(secret pin)" >make.log 2>&1 || fail "softhsm2: the token was not made, see $PWD/make.log"
  fi
  printf '{"module": "%s", "conf": "%s", "tokenLabel": "pericard", "pinFile": "%s", "pids": []}' "$module" "$PWD/softhsm2.conf" "$PWD/pin"
}
