# A simulated TPM 2.0; tpm2-tools expect its control port right after its command port.
packages=(swtpm swtpm-tools tpm2-tools libtss2-tcti-swtpm0)

engine_up() {
  local number
  number=$(port port)
  mkdir -p state
  if ! runs swtpm; then
    daemon swtpm swtpm socket --tpm2 --tpmstate "dir=$PWD/state" --flags not-need-init,startup-clear \
      --server "type=tcp,bindaddr=127.0.0.1,port=$number" --ctrl "type=tcp,bindaddr=127.0.0.1,port=$((number + 1))"
    until_ready swtpm listens "$((number + 1))"
  fi
  printf '{"tcti": "swtpm:host=127.0.0.1,port=%s", "pids": [%s]}' "$number" "$(pid_of swtpm)"
}
