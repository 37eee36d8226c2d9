from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("migrations_app", "0009_approvals")]

    operations = [
        migrations.AddField(model_name="standing", name="sizes", field=models.BinaryField(default=bytes)),
    ]
