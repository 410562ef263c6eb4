# Stands for an OpenWrt SDK's rules.mk: what our recipes use of it. Directories come from the caller, tools are this machine's.

INCLUDE_DIR:=$(TOPDIR)/include

HOSTCC:=gcc
TARGET_CC:=$(HOSTCC)
# Of the kind that an SDK gives; what our recipes need comes after them and wins.
TARGET_CFLAGS:=-O2 -pipe -Wformat -Werror=format-security -fPIC -fstack-protector -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=1
TARGET_CPPFLAGS:=-I$(STAGING_DIR)/usr/include
TARGET_LDFLAGS:=-L$(STAGING_DIR)/usr/lib -Wl,-z,now -Wl,-z,relro

TAR_OPTIONS:=-xf -
CP:=cp -fpR
LN:=ln -sf
INSTALL_BIN:=install -m0755
INSTALL_DIR:=install -d -m0755
INSTALL_DATA:=install -m0644
INSTALL_CONF:=install -m0600
