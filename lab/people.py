"""Who works and lives in the demo."""

from __future__ import annotations

# Only ever in a lab: it is printed on the terminal and good for nothing else.
PASSWORD = "lab-only-password"
STAFF = ("ada", "boris")
APPROVERS = ("boris",)  # of what others plan
CUSTOMERS = {
    "carla": ("Bakery Carla Lindt", "Europe/Berlin", "bakery.example.com"),
    "hugo": ("Harbour IT", "America/New_York", "harbour-it.example.net"),
    "mila": ("Miller family", "Asia/Tokyo", "miller-family.example.org"),
}
