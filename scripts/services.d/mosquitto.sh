# Mosquitto: a site's own MQTT broker, with a password. Its PUBACK means memory: never the durable edge.
packages=(mosquitto mosquitto-clients)

engine_up() {
  local number
  number=$(port port)
  mkdir -p data
  if [[ ! -s users ]]; then
    printf 'pericard:%s\n' "$(secret password)" >users
    mosquitto_passwd -U users
  fi
  cat >mosquitto.conf <<CONF
listener $number 127.0.0.1
allow_anonymous false
password_file $PWD/users
persistence true
persistence_location $PWD/data/
$( ((EUID != 0)) || printf 'user root')
CONF
  runs mosquitto || { daemon mosquitto mosquitto -c "$PWD/mosquitto.conf"; until_ready mosquitto listens "$number"; }
  printf '{"host": "127.0.0.1", "port": %s, "user": "pericard", "passwordFile": "%s", "pids": [%s]}' \
    "$number" "$PWD/password" "$(pid_of mosquitto)"
}
