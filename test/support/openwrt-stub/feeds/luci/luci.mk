# Stands for LuCI's luci.mk: one package from htdocs/ and root/ beside the recipe, with the fields that it takes from LUCI_* variables.

LUCI_NAME?=$(notdir $(CURDIR))
LUCI_BASENAME?=$(patsubst luci-app-%,%,$(LUCI_NAME))
PKG_NAME?=$(LUCI_NAME)
PKG_BUILD_DIR:=$(BUILD_DIR)/$(PKG_NAME)

include $(INCLUDE_DIR)/package.mk

define Package/$(PKG_NAME)
  SECTION:=luci
  CATEGORY:=LuCI
  TITLE:=$(LUCI_TITLE)
  DEPENDS:=$(LUCI_DEPENDS)
  PKGARCH:=$(LUCI_PKGARCH)
endef

define Package/$(PKG_NAME)/description
$(LUCI_DESCRIPTION)
endef

define Build/Prepare
	test ! -e src
	$(CP) ./htdocs ./root $(PKG_BUILD_DIR)/
endef

define Package/$(PKG_NAME)/install
	$(INSTALL_DIR) $(1)/www
	$(CP) $(PKG_BUILD_DIR)/htdocs/* $(1)/www/
	$(CP) $(PKG_BUILD_DIR)/root/* $(1)/
endef

define Package/$(PKG_NAME)/postinst
[ -n "$${IPKG_INSTROOT}" ] || {
	rm -f /tmp/luci-indexcache.*
	rm -rf /tmp/luci-modulecache/
	/etc/init.d/rpcd reload
	exit 0
}
endef

$(eval $(call BuildPackage,$(PKG_NAME)))
