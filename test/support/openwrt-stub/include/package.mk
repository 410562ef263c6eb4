# Stands for an OpenWrt SDK's include/package.mk. While a recipe is read, each package's fields and texts are written to
# $(BIN_DIR)/<package>/control/; the goal `packages` runs the recipes of BUILD_VARIANT and installs to $(BIN_DIR)/<package>/root/.

FIELDS:=TITLE SECTION CATEGORY VERSION DEPENDS PROVIDES CONFLICTS USERID PKGARCH MAINTAINER LICENSE VARIANT
REQUIRED:=TITLE SECTION CATEGORY VERSION
TEXTS:=description conffiles preinst postinst prerm postrm

PKG_BUILD_DIR?=$(BUILD_DIR)/$(if $(BUILD_VARIANT),$(PKG_NAME)-$(BUILD_VARIANT)/)$(PKG_NAME)-$(PKG_VERSION)

define Download
$(eval $(Download/$(1)))
$(foreach field,FILE URL HASH,$(if $($(field)),,$(error Download/$(1) is missing the $(field) field)))
$(shell mkdir -p $(BIN_DIR)/download)
$(file >$(BIN_DIR)/download/$(1),$(FILE) $(URL) $(HASH))
downloads::
	echo '$(HASH)  $(DL_DIR)/$(FILE)' | sha256sum -c -
endef

define Download/default
  FILE:=$(PKG_SOURCE)
  URL:=$(PKG_SOURCE_URL)
  HASH:=$(PKG_HASH)
endef

downloads::
$(if $(PKG_SOURCE),$(eval $(call Download,default)))

define Build/Prepare/Default
	$(if $(PKG_SOURCE),gzip -dc $(DL_DIR)/$(PKG_SOURCE) | tar -C $(PKG_BUILD_DIR)/.. $(TAR_OPTIONS))
endef
Build/Prepare=$(call Build/Prepare/Default)

.PHONY: metadata downloads compiled packages
metadata:
packages: compiled
compiled: downloads
	rm -rf $(PKG_BUILD_DIR)
	mkdir -p $(PKG_BUILD_DIR)
	$(Build/Prepare)
	$(Build/Configure)
	$(Build/Compile)

define Package/Default
$(foreach field,$(FIELDS),$(eval $(field):=))
  VERSION:=$(PKG_VERSION)-r$(PKG_RELEASE)
  MAINTAINER:=$(PKG_MAINTAINER)
  LICENSE:=$(PKG_LICENSE)
endef

define BuildPackage
$(eval $(Package/Default))
$(eval $(Package/$(1)))
$(foreach field,$(REQUIRED),$(if $($(field)),,$(error Package/$(1) is missing the $(field) field)))
$(if $(value Package/$(1)/install),,$(error Package/$(1) has no install recipe))
$(shell mkdir -p $(BIN_DIR)/$(1)/control)
$(foreach field,$(FIELDS),$(if $($(field)),$(file >$(BIN_DIR)/$(1)/control/$(field),$($(field)))))
$(foreach text,$(TEXTS),$(if $(value Package/$(1)/$(text)),$(file >$(BIN_DIR)/$(1)/control/$(text),$(Package/$(1)/$(text)))))
$(if $(filter-out $(BUILD_VARIANT),$(VARIANT)),,$(call InstallPackage,$(1)))
endef

define InstallPackage

packages: install-$(1)
install-$(1): compiled
	mkdir -p $(BIN_DIR)/$(1)/root
	$(call Package/$(1)/install,$(BIN_DIR)/$(1)/root)
endef
