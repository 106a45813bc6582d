# Ceph's S3 gateway over one monitor and one OSD in a file. Old (16.2), and for tests alone. With auth `none` it never comes up.
packages=(radosgw ceph-mon ceph-osd ceph-common)

engine_up() {
  local number monitor1 monitor2 keyring=$PWD/keyring
  number=$(port port)
  monitor1=$(port monitor-v1-port)
  monitor2=$(port monitor-v2-port)
  local address="[v2:127.0.0.1:$monitor2,v1:127.0.0.1:$monitor1]"
  export CEPH_ARGS="-c $PWD/ceph.conf"
  mkdir -p mon osd rgw run
  [[ -s fsid ]] || cat /proc/sys/kernel/random/uuid >fsid
  write_ceph_conf >ceph.conf
  [[ -e mon/keyring ]] || make_monitor >make.log 2>&1 || fail "radosgw: the monitor was not made, see $PWD/make.log"
  runs mon || daemon mon ceph-mon -i a -f
  until_ready mon ceph --connect-timeout 2 -s
  [[ -e osd/ready ]] || make_osd >>make.log 2>&1 || fail "radosgw: the OSD was not made, see $PWD/make.log"
  runs osd || daemon osd ceph-osd -i 0 -f
  until_ready osd osd_is_up
  runs gateway || daemon gateway radosgw -n client.rgw -f
  until_ready gateway curl -sf -m 1 "http://127.0.0.1:$number/"
  [[ -s secret ]] || make_user 2>>make.log || fail "radosgw: the user was not made, see $PWD/make.log"
  printf '{"endpoint": "http://127.0.0.1:%s", "region": "default", "accessKeyId": "%s", "secretFile": "%s", "pids": [%s, %s, %s]}' \
    "$number" "$(cat access-key)" "$PWD/secret" "$(pid_of gateway)" "$(pid_of osd)" "$(pid_of mon)"
}

# shellcheck disable=SC2154 # number, address and keyring are engine_up's.
write_ceph_conf() {
  cat <<CONF
[global]
fsid = $(cat fsid)
mon initial members = a
mon host = $address
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
keyring = $keyring
auth allow insecure global id reclaim = false
osd pool default size = 1
osd pool default min size = 1
mon allow pool size one = true
osd pool default pg num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon max pg per osd = 2000
run dir = $PWD/run
admin socket =
log file = $PWD/\$name.ceph.log
mon cluster log file = $PWD/cluster.ceph.log
mon data = $PWD/mon
osd data = $PWD/osd
bluestore block size = 4294967296
bluestore cache autotune = false
bluestore cache size = 67108864
osd class load list = *
osd class default list = *
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:$number tcp_nodelay=1
rgw data = $PWD/rgw
CONF
}

make_monitor() {
  rm -rf mon keyring && mkdir mon
  ceph-authtool --create-keyring "$keyring" --gen-key -n mon. --cap mon 'allow *'
  ceph-authtool "$keyring" --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *'
  ceph-authtool "$keyring" --gen-key -n client.rgw --cap mon 'allow rw' --cap osd 'allow rwx'
  ceph-authtool "$keyring" --gen-key -n osd.0 --cap mon 'allow profile osd' --cap osd 'allow *'
  monmaptool --create --clobber --fsid "$(cat fsid)" --addv a "$address" monmap
  ceph-mon --mkfs -i a --monmap monmap --keyring "$keyring"
}

make_osd() {
  local uuid
  uuid=$(cat /proc/sys/kernel/random/uuid)
  ceph osd new "$uuid" 0
  ceph-osd -i 0 --mkfs --osd-uuid "$uuid"
  ceph auth import -i "$keyring"
  ceph osd crush add osd.0 1.0 root=default host=h
  touch osd/ready
}

osd_is_up() { ceph --connect-timeout 5 osd stat | grep -q '1 up'; }

# The gateway draws the keys itself, so that none stands in a command line.
make_user() {
  radosgw-admin -n client.rgw user create --uid=pericard --display-name=pericard >user.json
  sed -n 's/.*"access_key": "\(.*\)".*/\1/p' user.json | tr -d '\n' >access-key
  sed -n 's/.*"secret_key": "\(.*\)".*/\1/p' user.json | sed 's,\\/,/,g' | tr -d '\n' >secret
  rm user.json
}
