#!/bin/bash
# Becomes a server of its own: `boot.sh WORK IMAGE`, as root, in new namespaces. WORK is an empty folder, IMAGE a root
# file system that stays as it is. What a container manager would do, and no more.
set -euo pipefail
work=$1 image=$2

mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$work"
mkdir "$work"/{upper,inner,root}
mount -t overlay -o "lowerdir=$image,upperdir=$work/upper,workdir=$work/inner" overlay "$work/root"
cd "$work/root"

# The kernel is the host's: it can be looked at and not be changed.
mount -t proc proc proc
for name in sys sysrq-trigger irq bus; do
    if [ -e "proc/$name" ]; then
        mount --bind "proc/$name" "proc/$name"
        mount -o remount,bind,ro "proc/$name"
    fi
done
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run

mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do
    touch "dev/$device"
    mount --bind "/dev/$device" "dev/$device"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd

ip link set lo up
hostname server
echo server > etc/hostname
mkdir -p run/old
pivot_root . run/old
umount -l /run/old
rmdir /run/old
# systemd expects of anyone who starts it in a container that mounts in a unit's namespace come from the outer one.
mount --make-rshared /
exec setpriv --bounding-set -sys_time,-sys_module,-sys_rawio,-mac_admin,-mac_override,-syslog,-wake_alarm \
    env -i container=focys-test PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --unit=multi-user.target --log-target=journal
