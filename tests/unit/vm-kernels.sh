#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What tools/vm/kernel fetches is complete or not there at all, and nothing else stays in the cache: packages of
# megabytes would, for ever.  The archive is one of the test's own.
. "$(dirname "$0")/../lib/cmd-test.sh"

arch=$(dpkg --print-architecture) || skip_all "no dpkg here"
rel=6.99.1-$arch common=6.99.1-common kbuild=6.99.1
mkdir -p "$T/bin" "$T/archive"
cat >"$T/bin/apt-cache" <<END
#!/bin/sh
[ "\$2" != "linux-headers-6.99-$arch" ] || echo "  Depends: linux-headers-$rel"
[ "\$2" != "linux-headers-$rel" ] || printf '  Depends: %s\n' linux-headers-$common linux-kbuild-$kbuild
END
cat >"$T/bin/apt-get" <<END
#!/bin/sh
for p; do :; done
cp "$T/archive/\${p%=*}_"*.deb .
END
chmod +x "$T/bin"/*

# package NAME FILE...: one of the archive, with these empty files
package() {
	local name=$1 root=$T/package
	shift
	rm -rf "$root" && mkdir -p "$root/DEBIAN" && printf 'Package: %s\nVersion: 6.99.1-1\nArchitecture: %s\n%s\n%s\n' "$name" "$arch" \
		'Maintainer: nobody <nobody@localhost>' 'Description: of a test' >"$root/DEBIAN/control"
	for f; do
		mkdir -p "$root/${f%/*}" && echo "include /usr/src/linux-headers-$common/Makefile" >"$root/$f"
	done
	dpkg-deb --root-owner-group -b "$root" "$T/archive/${name}_6.99.1-1_$arch.deb" >/dev/null
}

kernel() {
	PATH=$T/bin:$PATH XDG_CACHE_HOME=$T/cache timeout "$LIMIT" "$ROOT/tools/vm/kernel" "$@" 2>"$T/err"
}

kept() {
	ls -A "$T/cache/ipcx" | grep -v '^lock$'
}

package "linux-headers-$rel" "usr/src/linux-headers-$rel/Makefile"
package "linux-headers-$common" "usr/src/linux-headers-$common/Makefile"
is "$(kernel fetch 6.99 || echo failed)" failed "headers of which a package is missing are not fetched"
is "$(grep -c "cannot download" "$T/err")" 1 "that is said"
is "$(kept)" "" "nothing of them stays"
package "linux-kbuild-$kbuild" "usr/lib/linux-kbuild-$kbuild/scripts/kbuild"
is "$(kernel fetch 6.99)" "$rel" "they are fetched when all are there"
is "$(kept)" "headers-$rel" "nothing but the headers stays"
is "$(cat "$(kernel headers "$rel")/Makefile")" "include $T/cache/ipcx/headers-$rel/usr/src/linux-headers-$common/Makefile" \
	"the headers lead to the common ones beside them"

is "$(kernel image "$rel" || echo failed)" failed "an image that is missing is not fetched"
is "$(kept)" "headers-$rel" "nothing of it stays"
package "linux-image-$rel" "boot/vmlinuz-$rel" "lib/modules/$rel/modules.order"
is "$(kernel image "$rel")" "$T/cache/ipcx/kernel-${rel}_6.99.1-1" "an image is fetched"
is "$(kept)" "$(printf '%s\n' "headers-$rel" "kernel-${rel}_6.99.1-1")" "nothing but the image and the headers stays"

# A kernel that is fetched or built anew under the same name wants its modules anew.
ko=$T/b/kmod-$rel/ipcx.ko
would_make() {
	XDG_CACHE_HOME=$T/cache make -C "$ROOT" -n --no-print-directory B="$T/b" "$ko" 2>&1 | grep -c "tools/vm/kernel make"
}
mkdir -p "${ko%/*}" && touch "$ko"
is "$(would_make)" 0 "a module is made once"
touch -d '1 hour' "$T/cache/ipcx/headers-$rel/version"
is "$(would_make)" 1 "and again for another kernel of that name"
finish
