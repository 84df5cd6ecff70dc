"""The UltraServers of a reserved capacity, and how they do."""

from __future__ import annotations

import attrs

from sagemaker_plans.emulator._wire.members import Reply


@attrs.frozen(kw_only=True)
class UltraServers:
    """UltraServers of one type. All have the same number of instances."""

    type: str
    count: int
    instances: int
    """How many instances each UltraServer has."""

    spares: int
    """How many instances of each are kept as spares."""

    impaired: int = 0
    """How many of them are Impaired, the first ones; each has one unhealthy instance."""

    @property
    def available_spares(self) -> int:
        """How many spares are left in all of them: one replaces an unhealthy instance."""
        return self.count * self.spares - (self.impaired if self.spares else 0)

    @property
    def available(self) -> int:
        """How many instances can be used, in all of them."""
        lost = 0 if self.spares else self.impaired
        return self.count * (self.instances - self.spares) - lost

    def counts(self) -> Reply:
        """Return the wire form of all of them in a reserved capacity."""
        return {
            "UltraServerType": self.type,
            "UltraServerCount": self.count,
            "AvailableSpareInstanceCount": self.available_spares,
            "UnhealthyInstanceCount": self.impaired,
        }

    def summary(self, number: int, *, plan_name: str, zone: str, instance_type: str) -> Reply:
        """Return the wire form of one of them."""
        one = attrs.evolve(self, count=1, impaired=int(number < self.impaired))
        return {
            "UltraServerId": f"us-{plan_name}-{number + 1:03}",
            "UltraServerType": self.type,
            "AvailabilityZone": zone,
            "InstanceType": instance_type,
            "TotalInstanceCount": self.instances,
            "ConfiguredSpareInstanceCount": self.spares,
            "AvailableInstanceCount": one.available,
            "InUseInstanceCount": 0,
            "AvailableSpareInstanceCount": one.available_spares,
            "UnhealthyInstanceCount": one.impaired,
            "HealthStatus": "Impaired" if one.impaired else "OK",
        }
