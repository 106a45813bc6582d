# RabbitMQ: one node with a port mapper of its own, everything on loopback. Its schedulers sleep when they are idle.
packages=(rabbitmq-server)

engine_up() {
  local number mapper distribution
  number=$(port port)
  mapper=$(port mapper-port)
  distribution=$(port distribution-port)
  cat >rabbitmq.conf <<CONF
listeners.tcp.1 = 127.0.0.1:$number
default_user = pericard
default_pass = $(secret password)
default_user_tags.administrator = true
disk_free_limit.absolute = 64MB
log.file.level = warning
CONF
  : >plugins
  mkdir -p data logs
  export HOME=$PWD ERL_EPMD_PORT=$mapper ERL_EPMD_ADDRESS=127.0.0.1
  export RABBITMQ_NODENAME=pericard@localhost RABBITMQ_DIST_PORT=$distribution RABBITMQ_PID_FILE=$PWD/beam
  export RABBITMQ_MNESIA_BASE=$PWD/data RABBITMQ_LOG_BASE=$PWD/logs RABBITMQ_CONFIG_FILE=$PWD/rabbitmq.conf
  export RABBITMQ_ENABLED_PLUGINS_FILE=$PWD/plugins RABBITMQ_FEATURE_FLAGS_FILE=$PWD/data/flags
  export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none'
  runs mapper || { daemon mapper epmd; until_ready mapper listens "$mapper"; }
  if ! runs beam; then
    rm -f beam
    daemon broker /usr/lib/rabbitmq/bin/rabbitmq-server
    until_ready broker listens "$number"
    note_process beam "$(cat beam)"
  fi
  printf '{"host": "127.0.0.1", "port": %s, "user": "pericard", "passwordFile": "%s", "pids": [%s]}' \
    "$number" "$PWD/password" "$(pid_of beam)"
}
